// A number of a GPU figure from the raw samples, without this project's code and libraries:
//   node docs/recompute-gpu.mjs gpu.jsonl EXPERIMENT METRIC TRANSPORT SIZE [CLIENTS]
// The words are those of results.csv, CLIENTS its column `pairs`. How each number follows from the samples is all here.
// As in the report, a `sharing` leg gives no number if it failed, if one of its clients has no warm run, or if the time when all ran is
// under 2 x 250 ms; and no leg does whose counters nobody read (null; 0 in files of before version 3, of a leg that ran out of time or
// whose domU was lost). Of any other leg that failed the samples that are there count.
import console from "node:console";
import { readFileSync } from "node:fs";
import process from "node:process";

const [file, experiment, metric, transport, size, clients = "1"] = process.argv.slice(2);
const refuse = (words) => {
  console.error(words);
  process.exit(1);
};
if (size === undefined)
  refuse("usage: node recompute-gpu.mjs gpu.jsonl EXPERIMENT METRIC TRANSPORT SIZE [CLIENTS]");
const sum = (values) => values.reduce((total, value) => total + value, 0);
const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

// A leg's lines lie between `leg` and `leg-end`; of one that was repeated the last attempt counts. What each client of
// several said follows its `client` line, and one that said nothing is a client, too; a leg without such lines has one.
const legs = new Map();
let open = [];
let version = 0;
for (const line of readFileSync(file, "utf8")
  .trim()
  .split("\n")
  .map((text) => JSON.parse(text))) {
  if (line.type === "gpu-start") version = line.version;
  else if (line.type === "leg") open = [];
  else if (line.type === "client") open.push([]);
  else if (line.type === "sample" && line.ok) (open.at(-1) ?? (open[0] = [])).push(line);
  else if (line.type === "leg-end")
    legs.set(line.leg, { ...line, clients: open.length > 0 ? open : [[]] });
}

// Warm runs, s: three copies and the computation between them.
const PHASES = ["copy_a", "copy_b", "compute", "copy_c"];
const isRun = (one) => one.start === "warm" && one.size_bytes === Number(size);
const isFirst = (one) => one.start === "cold" && one.size_bytes === Number(size);
const duration = ({ phases_ns }) => sum(PHASES.map((name) => phases_ns[name])) / 1e9;

// Each client's runs, ns from each beginning to the next one's; and the time when all ran: they may begin 250 ms apart.
const ofClients = ({ clients: all }) => all.map((own) => own.filter(isRun));
const cyclesOf = (leg) =>
  ofClients(leg).map((own) =>
    own.map((one, i) => (own[i + 1] ? own[i + 1].start_ns - one.start_ns : one.wall_ns)),
  );
const stretch = (cycles) => {
  const shortest = Math.min(...cycles.map(sum));
  return cycles.length === 1 ? [0, shortest] : [250e6, shortest - 250e6];
};
const lost = ({ status, net_bytes: net, ring_bytes: ring }) =>
  net === null || (version < 3 && [124, 255].includes(status) && net === 0 && ring === 0);
const counts = (leg) => {
  if (lost(leg)) return false;
  if (leg.workload !== "sharing") return true;
  const cycles = cyclesOf(leg);
  const [from, to] = stretch(cycles);
  const longEnough = cycles.length === 1 || to - from >= 2 * 250e6;
  return leg.status === 0 && longEnough && cycles.every((own) => own.length > 0);
};
const chosen = [...legs.values()].filter(
  (leg) => leg.transport === transport && `gpu-${leg.workload}` === experiment && counts(leg),
);

// Runs a second of each client within that time; of a run across an end the part inside.
const rates = (leg) => {
  const cycles = cyclesOf(leg);
  const [from, to] = stretch(cycles);
  return cycles.map((own) => {
    let end = 0;
    const inside = own.map(
      (ns) => Math.max(0, Math.min((end += ns), to) - Math.max(end - ns, from)) / ns,
    );
    return (sum(inside) * 1e9) / (to - from);
  });
};
const durations = (leg) => ofClients(leg).map((own) => median(own.map(duration)));
// Of the same block's only client; a block without one has no slowdown.
const alone = ({ block }) =>
  chosen
    .filter((one) => one.block === block && one.clients.length === 1)
    .map((one) => median(durations(one)))[0];

const numbers = {
  duration: (leg) => [median(durations(leg))],
  rate: (leg) => [sum(rates(leg))],
  fairness: (leg) => {
    const each = rates(leg);
    return [sum(each) ** 2 / (each.length * sum(each.map((value) => value ** 2)))];
  },
  slowdown: (leg) => durations(leg).map((one) => one / alone(leg)),
};
for (const name of PHASES)
  numbers[`phase_${name}`] = ({ clients: [own] }) =>
    own.filter(isRun).map(({ phases_ns }) => phases_ns[name] / 1e9);
// What a process goes through once, and its first run.
for (const name of ["connect", "compile", "allocate"])
  numbers[`cold_${name}`] = ({ clients: [own] }) =>
    own.filter(isFirst).map(({ phases_ns }) => phases_ns[name] / 1e9);
numbers.cold_duration = ({ clients: [own] }) => own.filter(isFirst).map(duration);
// Transfers one way, MB/s.
for (const name of ["to_device", "from_device"])
  numbers[name] = ({ clients: [own] }) =>
    own
      .filter((one) => one.direction === name && one.size_bytes === Number(size))
      .flatMap(({ transfer_ns, size_bytes }) => transfer_ns.map((ns) => (1000 * size_bytes) / ns));

// What each experiment has of these, and what there is of it in the file; other metrics of results.csv are quotients.
const OF_RUNS = ["duration", ...PHASES.map((name) => `phase_${name}`)];
const COLD = ["connect", "compile", "allocate", "duration"].map((name) => `cold_${name}`);
const OF_TRANSFERS = ["to_device", "from_device"];
const THERE = {
  "gpu-matmul": [...OF_RUNS, ...COLD],
  "gpu-stencil": [...OF_RUNS, ...COLD],
  "gpu-transfer": OF_TRANSFERS,
  "gpu-socket": OF_TRANSFERS,
  "gpu-sharing": ["rate", "fairness", "slowdown", "duration"],
};
if (!Object.hasOwn(THERE, experiment))
  refuse(`no experiment ${experiment}: there are ${Object.keys(THERE).join(", ")}`);
if (!THERE[experiment].includes(metric))
  refuse(`${experiment} has no ${metric} here: there are ${THERE[experiment].join(", ")}`);
const ways = [
  ...new Set(
    [...legs.values()]
      .filter((leg) => `gpu-${leg.workload}` === experiment)
      .map((leg) => leg.transport),
  ),
];
if (!ways.includes(transport))
  refuse(
    `${file} has no leg of ${experiment} by ${transport}: there are ${ways.join(", ") || "none"}`,
  );
const sizes = [
  ...new Set(chosen.flatMap((leg) => leg.clients.flat()).map((one) => one.size_bytes)),
];
if (chosen.length > 0 && !sizes.includes(Number(size)))
  refuse(
    `${experiment} by ${transport} has no size ${size}: there are ${sizes.join(", ") || "none"}`,
  );
const numbersOfClients = [...new Set(chosen.map((leg) => leg.clients.length))];
if (chosen.length > 0 && !numbersOfClients.includes(Number(clients)))
  refuse(
    `${experiment} by ${transport} has no leg of ${clients} clients: there are ${numbersOfClients.join(", ")}`,
  );

const found = chosen
  .filter((leg) => leg.clients.length === Number(clients))
  .map(numbers[metric])
  .filter((values) => values.length > 0)
  .map(median)
  .filter(Number.isFinite);
console.log(
  found.length === 0
    ? "0 repetitions: no leg gives that number"
    : `${found.length} repetitions, median ${median(found)}`,
);
