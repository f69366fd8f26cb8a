import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CLAIMS, judgeClaims } from "../../../evaluation/claims.ts";
import { FIGURE_NAMES } from "../../../evaluation/figures.ts";
import { summaryOf } from "./measured.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/claims.md"), "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );

const orDash = (value: string | null): string => value ?? "–";

test("the page has every claim once, in the program's order, with its experiment and metric", () => {
  expect(rows.map(([id, experiment, metric]) => [id, experiment, metric])).toEqual(
    CLAIMS.map(({ id, experiment, metric }) => [id, orDash(experiment), orDash(metric)]),
  );
});

test("its figures are ones that are drawn", () => {
  const named = rows.map(([, , , figure]) => figure ?? "").filter((figure) => figure !== "–");
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((figure) => !(FIGURE_NAMES as readonly string[]).includes(figure))).toEqual(
    [],
  );
});

test("it says of the same claims as the program that nothing measures them", async () => {
  // What is judged says something else of a run without samples where an experiment would change that.
  const ids = (verdict: RegExp): string[] =>
    rows.filter((cells) => verdict.test(cells[4] ?? "")).map(([id]) => id ?? "");
  const needsMore = judgeClaims(await summaryOf([])).filter(({ why }) =>
    /not built yet|does not record|not measured yet|No measurement/.test(why),
  );
  expect(ids(/^(not measured yet|no measurement)$/)).toEqual(needsMore.map(({ id }) => id));
});
