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
