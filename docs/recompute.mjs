// A number of a figure from the raw samples, without this project's code and libraries:
//   node docs/recompute.mjs samples.jsonl EXPERIMENT METRIC TRANSPORT SIZE [PAIRS]
// The words are those of results.csv. How each number follows from the samples is all here.
import console from "node:console";
import { readFileSync } from "node:fs";
import process from "node:process";

const [file, experiment, metric, transport, size, pairs = "1"] = process.argv.slice(2);
const sum = (values) => values.reduce((total, value) => total + value, 0);
const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

const samples = readFileSync(file, "utf8")
  .split("\n")
  .filter((line) => line.startsWith('{"type":"sample"'))
  .map((line) => JSON.parse(line));
// A ping-pong by size has its lines under latency; pairs that ran at the same time are one step.
const source = experiment === "bandwidth" ? "latency" : experiment;
const steps = Map.groupBy(
  samples.filter(
    (one) =>
      one.experiment === source && one.transport === transport && one.pairs === Number(pairs),
  ),
  ({ id }) => id,
);

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
const payload = (one) => one.bytes ?? 2 * one.size_bytes * one.rtt_ns.length;

const numbers = {
  half_rtt: (step, when) => {
    const [first] = step;
    // Beside others only round trips count that lie as a whole in the time when all ran.
    const counted = trips(first).filter(
      ({ begin, end }) => experiment !== "neighbours" || (begin >= when[0] && end <= when[1]),
    );
    return median(counted.map(({ ns }) => ns)) / 2000;
  },
  bandwidth: (step, when) => {
    const [first] = step;
    if (experiment === "scaling") return sum(step.map((one) => moved(one, when)));
    if (first.kind === "stream" || first.kind === "memcpy") return (first.bytes * 1000) / first.ns;
    return (first.size_bytes * 2000) / median(first.rtt_ns);
  },
  fairness: (step, when) => {
    const each = step.map((one) => moved(one, when));
    return sum(each) ** 2 / (each.length * sum(each.map((value) => value ** 2)));
  },
  cpu_per_kb: (step) => sum(Object.values(step[0].cpu_ns)) / sum(step.map(payload)),
  cpu_dom0: (step) => (100 * step[0].cpu_ns["0"]) / step[0].cpu_window_ns,
};

const found = [...steps.values()]
  .filter((step) => step[0].size_bytes === Number(size) && step.length >= Number(pairs))
  .filter((step) => step.every(({ ok }) => ok))
  .map((step) => numbers[metric](step, step[0].rtt_ns === undefined ? [] : stretch(step)));
console.log(`${found.length} repetitions, median ${median(found)}`);
