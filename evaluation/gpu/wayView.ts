import { counted, formatNumber } from "../format.ts";
import type { LegWay } from "./connections.ts";
import { gpuLabel } from "./labels.ts";

const megabytes = (bytes: number): string => `${formatNumber(bytes / 1e6)} MB`;

/** A row a leg, in the order of the run. */
const wayRow = (way: LegWay) => ({
  leg: way.leg,
  block: way.block,
  transport: gpuLabel(way.transport),
  workload: way.workload,
  connections: way.connections,
  payload: megabytes(way.payload),
  tcp: way.tcp === null ? "–" : megabytes(way.tcp),
  ring: megabytes(way.ring),
  verdict: way.why === "" ? way.verdict : `${way.verdict}: ${way.why}`,
});

/** The table of ways, and in a sentence how many legs it proves. */
export const waysView = (ways: readonly LegWay[]) => ({
  rows: ways.map(wayRow),
  proven: `${ways.filter(({ verdict }) => verdict === "proven").length} of ${counted(ways.length, "leg")} proven`,
});

/** What a reader has to know before the numbers: legs whose bytes went another way, and those of which nothing shows the way. */
export function wayWarnings(ways: readonly LegWay[]): string[] {
  const of = (verdict: LegWay["verdict"]): number =>
    ways.filter((way) => way.verdict === verdict).length;
  // A leg that gave no number leaves no number in doubt.
  const unknown = ways.filter(({ verdict, used }) => verdict === "not shown" && used !== false);
  const [other, hidden] = [of("another way"), unknown.length];
  return [
    ...(other > 0
      ? [
          `Of ${counted(other, "leg")} of the GPU's the bytes went another way than they should; they are in no number.`,
        ]
      : []),
    ...(hidden > 0
      ? [
          `Which way the bytes of ${counted(hidden, "leg")} of the GPU's went is not shown by their connections; where they gave numbers, these count all the same.`,
        ]
      : []),
  ];
}
