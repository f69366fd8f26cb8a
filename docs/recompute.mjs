// Numbers of a run from its raw samples, without this project's code and libraries:
//   node docs/recompute.mjs samples.jsonl EXPERIMENT METRIC TRANSPORT SIZE [PAIRS]
//   node docs/recompute.mjs samples.jsonl     all that it can, a line each
// The words are those of results.csv. How each number follows from the samples is all here.
import console from "node:console";
import { readFileSync } from "node:fs";
import process from "node:process";

const [file, ...words] = process.argv.slice(2);
const sum = (values) => values.reduce((total, value) => total + value, 0);
const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

// ns within which all pairs of a step ran: they may begin 50 ms apart.
const stretch = (step) => {
  const shortest = Math.min(...step.map(({ rtt_ns }) => sum(rtt_ns)));
  return step.length === 1 ? [0, shortest] : [50e6, shortest - 50e6];
};
// Each round trip of a window with its begin and end, ns.
const trips = ({ rtt_ns }) => {
  let end = 0;
  return rtt_ns.map((ns) => ({ ns, begin: end, end: (end += ns) }));
};
// MB/s of a pair: both ways' bytes; of a round trip across an end of the stretch the part that lies inside.
const moved = (one, [from, to]) => {
  const inside = trips(one).map(
    ({ ns, begin, end }) => Math.max(0, Math.min(end, to) - Math.max(begin, from)) / ns,
  );
  return (2 * one.size_bytes * sum(inside) * 1000) / (to - from);
};
const each = (step) => step.map((one) => moved(one, stretch(step)));
const payload = (one) => one.payload_bytes ?? one.bytes ?? 2 * one.size_bytes * one.rtt_ns.length;

// Each a function of a step: the samples of all pairs that ran at the same time, the first pair's first.
const halfRtt = ([one]) => median(one.rtt_ns) / 2000;
const received = ([one]) => (one.bytes * 1000) / one.ns;
const figure = ([one]) => one.figure;
const cpu = {
  cpu_per_kb: (step) => sum(Object.values(step[0].cpu_ns ?? {})) / sum(step.map(payload)),
  cpu_dom0: ([one]) => (100 * one.cpu_ns?.["0"]) / one.cpu_window_ns,
};
const numbers = {
  latency: { half_rtt: halfRtt },
  bandwidth: { bandwidth: ([one]) => (one.size_bytes * 2000) / median(one.rtt_ns) },
  stream: { bandwidth: received },
  memcpy: { bandwidth: received },
  connect: { setup: ([one]) => median(one.setup_ns) / 1000 },
  scaling: {
    bandwidth: (step) => sum(each(step)),
    pair_bandwidth: (step) => median(each(step)),
    fairness: (step) =>
      sum(each(step)) ** 2 / (step.length * sum(each(step).map((value) => value ** 2))),
    // A pair's median, and of these the median.
    half_rtt: (step) => median(step.map((one) => halfRtt([one]))),
    ...cpu,
  },
  neighbours: {
    // Beside others only round trips count that lie as a whole in the time when all ran.
    half_rtt: (step) => {
      const [from, to] = stretch(step);
      const whole = trips(step[0]).filter(({ begin, end }) => begin >= from && end <= to);
      return median(whole.map(({ ns }) => ns)) / 2000;
    },
    // Of all but the first pair; its size is theirs.
    load_bandwidth: (step) => (step.length > 1 ? sum(each(step).slice(1)) : NaN),
  },
  cpu,
  "cpu-pingpong": cpu,
  "apps-iperf3": {
    bandwidth: figure,
    net_share: ([one]) => (one.net_tx_bytes + one.net_rx_bytes) / one.payload_bytes,
  },
  "apps-redis-get": { rate: figure },
  "non-peer": { half_rtt: halfRtt },
  "control-a": { half_rtt: halfRtt },
  "control-b": { half_rtt: halfRtt },
  hosts: { half_rtt: halfRtt },
  "hosts-stream": { bandwidth: received },
};
const isTogether = (experiment) => experiment === "scaling" || experiment === "neighbours";

const refuse = (why) => {
  console.error(why);
  process.exit(1);
};
const [experiment, metric, transport, size, pairs = "1"] = words;
if (file === undefined) refuse("name a samples.jsonl; see the first lines of this program");
if (words.length > 0) {
  if (experiment.startsWith("gpu-")) refuse("numbers of a GPU: docs/recompute-gpu.mjs");
  if (!Object.hasOwn(numbers, experiment))
    refuse(`there is no experiment ${experiment}; there are ${Object.keys(numbers).join(", ")}`);
  if (!Object.hasOwn(numbers[experiment], metric ?? ""))
    refuse(
      `${experiment} has no metric ${metric}; it has ${Object.keys(numbers[experiment]).join(", ")}`,
    );
}

const steps = Map.groupBy(
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.startsWith('{"type":"sample"'))
    .map((line) => JSON.parse(line)),
  ({ id }) => id,
);
// By the words of a number; a step of which a pair failed, or too short to tell when all pairs ran, gives none.
const found = new Map();
for (const step of steps.values()) {
  const [first] = step;
  if (step.length < first.pairs || !step.every(({ ok }) => ok)) continue;
  if (isTogether(first.experiment) && step.length > 1) {
    const [from, to] = stretch(step);
    if (to - from < 2 * 50e6) continue;
  }
  // A ping-pong by size is shown as latency and as bandwidth.
  const names = first.experiment === "latency" ? ["latency", "bandwidth"] : [first.experiment];
  for (const name of names)
    for (const [what, number] of Object.entries(numbers[name] ?? {})) {
      const value = number(step);
      const bytes = (what === "load_bandwidth" ? step[1] : first)?.size_bytes;
      const key = [name, what, first.transport, bytes, first.pairs].join(" ");
      if (Number.isFinite(value)) found.set(key, [...(found.get(key) ?? []), value]);
    }
}

const text = (values) => `${values.length} repetitions, median ${median(values)}`;
if (words.length === 0) for (const [key, values] of found) console.log(`${key}: ${text(values)}`);
else {
  const values = found.get([experiment, metric, transport, size, pairs].join(" "));
  const start = `${experiment} ${metric} `;
  const there = [...found.keys()].filter((key) => key.startsWith(start));
  if (values === undefined)
    refuse(
      `no sample gives ${words.join(" ")}; of ${start}there is, by transport, size and pairs: ` +
        (there.map((key) => key.slice(start.length)).join("; ") || "nothing"),
    );
  console.log(text(values));
}
