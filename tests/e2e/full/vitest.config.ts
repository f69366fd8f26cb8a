import { mergeConfig } from "vitest/config";
import endToEnd from "../vitest.config.ts";

/** For one of test:full's files by name, with the counts of the short form. */
export default mergeConfig(endToEnd, { test: { include: ["full/*.test.ts"] } });
