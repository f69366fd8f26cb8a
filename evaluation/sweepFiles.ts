import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readSummary } from "./artifacts.ts";
import { toPng } from "./raster.ts";
import { sweepOf } from "./sweep.ts";
import { drawSweep, formatSweep, renderSweep, sweepCsv } from "./sweepView.ts";

const TEMPLATE = new URL("../templates/sweep.html.hbs", import.meta.url);

/**
 * Writes sweep.json, sweep.csv, figures and sweep.html of runs into a folder; the runs stay as they are.
 *
 * @param runs folders of runs, in any order
 * @throws ArtifactsError, FormatError, SweepError
 */
export async function writeSweep(
  directory: string,
  runs: readonly string[],
): Promise<{ table: string; page: string }> {
  const sweep = sweepOf(await Promise.all(runs.map(readSummary)));
  const figures = await drawSweep(sweep);
  const page = join(directory, "sweep.html");
  await mkdir(join(directory, "figures"), { recursive: true });
  await writeFile(join(directory, "sweep.json"), `${JSON.stringify(sweep, null, 2)}\n`);
  await writeFile(join(directory, "sweep.csv"), sweepCsv(sweep));
  for (const { name, svg } of figures) {
    await writeFile(join(directory, "figures", `${name}.svg`), svg);
    await writeFile(join(directory, "figures", `${name}.png`), toPng(svg));
  }
  await writeFile(page, renderSweep(await readFile(TEMPLATE, "utf8"), sweep, figures));
  return { table: formatSweep(sweep), page };
}
