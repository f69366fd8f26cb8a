import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readSummary } from "../../../evaluation/artifacts.ts";
import { findPoint, findRatio, type Place, type Summary } from "../../../evaluation/summary.ts";

const PROJECT = join(import.meta.dirname, "../../..");
/** Its lines joined: where they are broken is nobody's business. */
const page = readFileSync(join(PROJECT, "docs/evaluation.md"), "utf8").replaceAll(/\s+/g, " ");

describe("what docs/evaluation.md says of the run that ships", () => {
  let summary: Summary;
  beforeAll(async () => {
    ({ summary } = await readSummary(join(PROJECT, "evaluation/reference/quick-tcg")));
  });

  test("how wide its A/A controls are, and that all hold", () => {
    const two = (value: number): string => value.toFixed(2);
    const range = (transport: string, sizeBytes: number): string => {
      const found = summary.controls.find(
        (one) => one.transport === transport && one.sizeBytes === sizeBytes,
      );
      expect(found?.holds).toBe(true);
      return `${two(found?.interval?.low ?? NaN)} to ${two(found?.interval?.high ?? NaN)}`;
    };
    const [b, k, m] = [1, 65_536, 1_048_576] as const;
    expect(summary.controls).toHaveLength(6);
    expect(page).toContain(
      `\`tcp\` ${range("tcp", b)} (1 B), ${range("tcp", k)} (64 KiB), ${range("tcp", m)} (1 MiB); ` +
        `\`v4v\` ${range("v4v", b)}, ${range("v4v", k)}, ${range("v4v", m)}.`,
    );
  });

  test("how its cells ended", () => {
    const { cells } = summary;
    const ended = (reason: string) => cells.filter((one) => one.reason === reason).length;
    expect(page).toContain(
      `${ended("budget")} of its ${cells.length} cells ended by the budget after their first six repetitions, ${ended("planned")} (the programs)`,
    );
    expect(new Set(cells.map(({ repetitions }) => repetitions))).toEqual(new Set([6]));
    const narrowest = Math.min(...cells.map(({ deviation }) => deviation ?? Infinity));
    expect(page).toContain(`reaches ${Math.round(100 * narrowest)}% from its median`);
  });

  test("where vchan is faster", () => {
    const place: Place = { experiment: "stream", metric: "bandwidth", sizeBytes: 65_536, pairs: 1 };
    const [vchan, v4v, sockets] = ["vchan", "v4v", "v4v-sockets"].map((transport) =>
      (findPoint(summary.points, place, transport)?.median ?? NaN).toFixed(0),
    );
    const found = findRatio(summary.ratios, place, "vchan");
    if (found === undefined || found.interval === null) throw new Error("no ratio");
    expect(found.interval.high).toBeLessThan(1);
    const [low, high] = [found.interval.low.toFixed(2), found.interval.high.toFixed(2)];
    expect(page).toContain(
      `vchan moves ${vchan} MB/s, V4V ${v4v}** (${found.ratio.toFixed(2)} times as much, ${low} to ${high}) and V4V sockets ${sockets}.`,
    );
  });
});
