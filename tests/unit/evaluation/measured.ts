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

/** Connections of six repetitions, one (us) each. */
export const connections = (transport: string, first: number, us: number): string[] =>
  Array.from({ length: 6 }, (_, index) =>
    JSON.stringify({
      type: "sample",
      id: first + index,
      experiment: "connect",
      kind: "connect",
      transport,
      size_bytes: 1,
      pairs: 1,
      pair: "domu1:domu2",
      repetition: index + 1,
      ok: true,
      setup_ns: [us * 1000],
    }),
  );

/** One run of a program; its bytes went the way that its transport says. */
export const program = (
  kind: "iperf3" | "redis-get",
  transport: string,
  id: number,
  repetition: number,
  figure: number,
  more: object = {},
): string => {
  const [ring, tcp] = transport === "v4v-sockets" ? [995, 5] : [0, 0];
  return JSON.stringify({
    type: "sample",
    id,
    experiment: `apps-${kind}`,
    kind,
    transport,
    size_bytes: kind === "iperf3" ? 131_072 : 3,
    pairs: 1,
    pair: "domu1:domu2",
    repetition,
    ok: true,
    program: kind === "iperf3" ? "iperf3" : "redis-benchmark",
    version: kind === "iperf3" ? "iperf 3.18" : "redis-benchmark 8.0.2",
    command: `${kind} over ${transport}`,
    figure,
    unit: kind === "iperf3" ? "MB/s" : "1/s",
    payload_bytes: 1000,
    net_tx_bytes: 7,
    net_rx_bytes: 8,
    ring_tx_bytes: ring,
    ring_rx_bytes: 0,
    tcp_tx_bytes: tcp,
    tcp_rx_bytes: 0,
    ...more,
  });
};

/** Six repetitions of a program. */
export const programs = (
  kind: "iperf3" | "redis-get",
  transport: string,
  first: number,
  figure: number,
): string[] =>
  Array.from({ length: 6 }, (_, index) =>
    program(kind, transport, first + index, index + 1, figure),
  );

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
