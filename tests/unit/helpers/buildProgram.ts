// A controller of its own for cache.test.ts, to be killed in the middle of a build: buildProgram.ts PROJECT RECIPE
import { build } from "../../../provider/build/cache.ts";

const [, , project = "", name = ""] = process.argv;
const recipe = { name, parameters: {}, sources: [], dependencies: {} };
const entry = await build(project, recipe, "", AbortSignal.timeout(60_000), () => undefined);
process.stdout.write(`${entry.path}\n`);
