import { observations } from "../../../evaluation/observations.ts";
import type { Plan } from "../../../evaluation/plan.ts";
import { readSamples } from "../../../evaluation/samples.ts";
import { summarise, type Summary } from "../../../evaluation/summary.ts";
import { asFile, smokePlan } from "./synthetic.ts";

/** One sample line of a ping-pong at 1 pair, RTTs in ns. */
export function pingPong(
  id: number,
  transport: string,
  size: number,
  repetition: number,
  rtt_ns: number[],
  more: object = {},
): string {
  return JSON.stringify({
    type: "sample",
    id,
    experiment: "latency",
    kind: "pingpong",
    transport,
    size_bytes: size,
    pairs: 1,
    pair: "domu1:domu2",
    repetition,
    ok: true,
    rtt_ns,
    ...more,
  });
}

export function stream(
  id: number,
  transport: string,
  size: number,
  bytes: number,
  ns: number,
): string {
  return JSON.stringify({
    type: "sample",
    id,
    experiment: "stream",
    kind: "stream",
    transport,
    size_bytes: size,
    pairs: 1,
    pair: "domu1:domu2",
    repetition: 1,
    ok: true,
    bytes,
    ns,
    messages: 1,
  });
}

export async function summaryOf(
  lines: readonly string[],
  plan: Plan = smokePlan(),
): Promise<Summary> {
  const file = await readSamples([asFile(lines)]);
  const evaluated = observations(file.samples);
  return summarise({ runId: "r", accelerator: "tcg", plan, file, ...evaluated });
}

/** Ping-pongs of one size, one round trip (us) a repetition. */
export const repetitions = (
  transport: string,
  size: number,
  first: number,
  us: readonly number[],
): string[] =>
  us.map((value, index) =>
    pingPong(first + index, transport, size, index + 1, [Math.round(value * 1000)]),
  );

/**
 * Ping-pongs of an experiment in pairs: six repetitions, one step each. `ms`: a round trip of each pair, or of all of
 * them alike; `more`: further keys of the first pair's line of a repetition.
 */
export function paired(
  experiment: "scaling" | "neighbours",
  transport: string,
  first: number,
  pairs: number,
  ms: number | readonly number[],
  size = 524_288,
  more: (repetition: number) => object = () => ({}),
): string[] {
  const trip = (pair: number): number => (typeof ms === "number" ? ms : (ms[pair] ?? 0));
  return Array.from({ length: 6 }, (_, repetition) =>
    Array.from({ length: pairs }, (__, pair) =>
      pingPong(
        first + repetition,
        transport,
        experiment === "neighbours" && pair > 0 ? 524_288 : size,
        repetition + 1,
        Array<number>(Math.ceil(400 / trip(pair))).fill(Math.round(trip(pair) * 1e6)),
        {
          experiment,
          pairs,
          pair: `a${pair}:b${pair}`,
          ...(pair === 0 ? more(repetition) : {}),
        },
      ),
    ),
  ).flat();
}

/** CPU times of a step of 400 ms: dom0's share in percent of one CPU, and as much again in two domUs. */
export const cpuTimes = (dom0: number) => ({
  cpu_ns: { "0": Math.round(dom0 * 4e6), "1": Math.round(dom0 * 2e6), "2": Math.round(dom0 * 2e6) },
  cpu_window_ns: 400e6,
});
