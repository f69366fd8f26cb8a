import { hostOf } from "../config/spread.ts";
import { cautionOf } from "./accelerator.ts";
import { WITHIN, type CellEnd } from "./adaptive.ts";
import type { ClaimRow } from "./claims.ts";
import { claimTitle } from "./claimTitles.ts";
import type { Figure, FigureName } from "./figures.ts";
import { gpuSize } from "./gpu/figures.ts";
import { gpuLabel } from "./gpu/labels.ts";
import { isOfGpu } from "./gpu/observations.ts";
import { coldRows, hostsView, hostWarnings } from "./gpu/hostView.ts";
import { wayWarnings, waysView } from "./gpu/wayView.ts";
import type { Control } from "./derived.ts";
import { counted, formatNumber, formatRange, formatSize } from "./format.ts";
import { manifestHash, type Manifest } from "./manifest.ts";
import { lessIsBetter, type Metric, type Unused } from "./observations.ts";
import { PAGE_STYLE } from "./page.ts";
import { losses, rivalsView } from "./rivals.ts";
import { programRows } from "./programs.ts";
import type { SampleFile } from "./samples.ts";
import { selectionWords } from "./selection.ts";
import { CONFIDENCE, type Interval } from "./statistics.ts";
import type { Comparison, Point, Summary } from "./summary.ts";
import { findPoint, findRatio } from "./summary.ts";
import {
  BASELINE,
  compareTransports,
  STOCK,
  SUBJECT,
  transportLabel,
  UNMODIFIED,
} from "./transports.ts";

/** Everything that the report shows. */
export interface ReportInput {
  manifest: Manifest;
  summary: Summary;
  claims: readonly ClaimRow[];
  figures: readonly Figure[];
  file: SampleFile;
}

const shown = (value: number | null): string => (value === null ? "–" : formatNumber(value));

const shownInterval = (interval: Interval | null): string => {
  if (interval === null) return "–";
  const range = formatRange(interval);
  const short = interval.coverage < CONFIDENCE;
  return short ? `${range} (${(interval.coverage * 100).toFixed(1)}%)` : range;
};

const comparison = ({ tcp, v4v, ratio }: Comparison) => ({
  tcp: shown(tcp),
  v4v: shown(v4v),
  ratio: ratio === null ? "–" : `${formatNumber(ratio)}×`,
});

const headline = (summary: Summary) =>
  summary.headline.map(({ sizeBytes, halfRtt, bandwidth }) => ({
    size: formatSize(sizeBytes),
    halfRtt: comparison(halfRtt),
    bandwidth: comparison(bandwidth),
  }));

const VERDICT_CLASSES = {
  pass: "pass",
  fail: "fail",
  "cannot be judged here": "open",
  "not measured yet": "open",
} as const;

/** The number that a verdict rests on, with its interval, in the width of a narrow column. */
function inShort({ measured }: ClaimRow): string | null {
  if (measured === null) return null;
  const { value, interval, unit } = measured;
  const number = `${formatNumber(value)}${unit === "ratio" ? "×" : ""}`;
  return interval === null ? number : `${number} (${formatRange(interval)})`;
}

const claimRow = (claim: ClaimRow) => ({
  id: claim.id,
  title: claimTitle(claim.id),
  paper: claim.paper,
  measured: inShort(claim),
  verdict: claim.verdict,
  verdictClass: VERDICT_CLASSES[claim.verdict],
  why: claim.why,
});

/** What the first screen shows of the claims: those that this run tells something about, and the names of the others. */
function firstClaims(claims: readonly ClaimRow[]) {
  const tells = ({ measured, verdict }: ClaimRow): boolean =>
    measured !== null || verdict === "pass" || verdict === "fail";
  return {
    told: claims.filter(tells).map(claimRow),
    untold: claims.filter((claim) => !tells(claim)).map(claimRow),
  };
}

const fullClaim = ({ id, statement, paper, measured, verdict, why }: ClaimRow) => ({
  id,
  statement,
  paper,
  measured: measured?.text ?? null,
  verdict,
  verdictClass: VERDICT_CLASSES[verdict],
  why,
});

function claimCounts(claims: readonly ClaimRow[]): string {
  const counts = Map.groupBy(claims, (claim) => claim.verdict);
  return [...counts].map(([verdict, rows]) => `${rows.length} ${verdict}`).join(", ");
}

const TABLES: { experiment: string; metric: Metric; title: string }[] = [
  { experiment: "latency", metric: "half_rtt", title: "Latency: half round trip, µs" },
  {
    experiment: "bandwidth",
    metric: "bandwidth",
    title: "Ping-pong bandwidth: size / half round trip, MB/s",
  },
  { experiment: "stream", metric: "bandwidth", title: "One-way stream, MB/s" },
  { experiment: "connect", metric: "setup", title: "Connection set-up, µs" },
  {
    experiment: "non-peer",
    metric: "half_rtt",
    title: "With an address that is no peer's: half round trip, µs",
  },
  { experiment: "memcpy", metric: "bandwidth", title: "memcpy inside one process, MB/s" },
  {
    experiment: "hosts",
    metric: "half_rtt",
    title: "TCP between two hosts, V4V within the second: half round trip, µs",
  },
  {
    experiment: "hosts-stream",
    metric: "bandwidth",
    title: "TCP between two hosts, V4V within the second: one-way stream, MB/s",
  },
  { experiment: "scaling", metric: "bandwidth", title: "Pairs together: aggregate, MB/s" },
  { experiment: "scaling", metric: "pair_bandwidth", title: "Pairs together: each pair, MB/s" },
  { experiment: "scaling", metric: "fairness", title: "Pairs together: Jain's fairness index" },
  { experiment: "scaling", metric: "cpu_dom0", title: "Pairs together: dom0, % of one CPU" },
  { experiment: "neighbours", metric: "half_rtt", title: "Beside busy pairs: half round trip, µs" },
  { experiment: "cpu", metric: "cpu_per_kb", title: "CPU time of a stream, µs/KB" },
  { experiment: "cpu-pingpong", metric: "cpu_per_kb", title: "CPU time of a ping-pong, µs/KB" },
  { experiment: "gpu-matmul", metric: "duration", title: "Matrix product, warm run, s" },
  { experiment: "gpu-matmul", metric: "overhead", title: "Matrix product, over native, %" },
  { experiment: "gpu-matmul", metric: "phase_compute", title: "Matrix product, computing, s" },
  {
    experiment: "gpu-matmul",
    metric: "copy_share",
    title: "Matrix product, copying, % of the run",
  },
  { experiment: "gpu-stencil", metric: "duration", title: "Stencil, warm run, s" },
  { experiment: "gpu-stencil", metric: "overhead", title: "Stencil, over native, %" },
  { experiment: "gpu-transfer", metric: "to_device", title: "Transfers to the device, MB/s" },
  { experiment: "gpu-transfer", metric: "from_device", title: "Transfers from the device, MB/s" },
  {
    experiment: "gpu-socket",
    metric: "to_device",
    title: "One plain socket to the GPU domU, MB/s",
  },
  {
    experiment: "gpu-socket",
    metric: "from_device",
    title: "One plain socket from the GPU domU, MB/s",
  },
  {
    experiment: "gpu-transfer",
    metric: "to_device_of_socket",
    title: "Transfers to the device, % of the plain socket",
  },
  {
    experiment: "gpu-transfer",
    metric: "from_device_of_socket",
    title: "Transfers from the device, % of the plain socket",
  },
  { experiment: "gpu-sharing", metric: "rate", title: "Clients together: products/s" },
  { experiment: "gpu-sharing", metric: "client_rate", title: "Clients together: each, products/s" },
  { experiment: "gpu-sharing", metric: "slowdown", title: "Clients together: time over alone" },
  { experiment: "gpu-sharing", metric: "fairness", title: "Clients together: Jain's index" },
];

const sizeOf = ({ sizeBytes, pairs }: Point): string =>
  pairs === 1 ? formatSize(sizeBytes) : `${formatSize(sizeBytes)}, ${pairs} pairs`;

function pointRow(point: Point, summary: Summary) {
  const { min, p50, p90, p99, max } = point.percentiles;
  const ratio = findRatio(summary.ratios, point, BASELINE, point.transport);
  return {
    size: isOfGpu(point) ? gpuSize(point) : sizeOf(point),
    transport: isOfGpu(point) ? gpuLabel(point.transport) : transportLabel(point.transport),
    samples: point.samples,
    repetitions: point.repetitions,
    failed: point.failed,
    median: formatNumber(point.median),
    interval: shownInterval(point.interval),
    percentiles: [min, p50, p90, p99, max].map(formatNumber),
    ratio: ratio === undefined ? "" : formatNumber(ratio.ratio),
    ratioInterval: ratio === undefined ? "" : shownInterval(ratio.interval),
  };
}

const programs = ({ summary, file }: ReportInput) =>
  programRows(summary, file.samples).map(({ point, ratio, version, command, ringShare }) => ({
    version,
    command,
    transport: transportLabel(point.transport),
    repetitions: point.repetitions,
    failed: point.failed,
    figure: `${formatNumber(point.median)} ${point.unit}`,
    interval: shownInterval(point.interval),
    ratio: ratio === undefined ? "" : formatNumber(ratio.ratio),
    ratioInterval: ratio === undefined ? "" : shownInterval(ratio.interval),
    // Rounded down: all means all.
    ring: ringShare === null ? "–" : `${(Math.floor(ringShare * 1000) / 10).toFixed(1)}%`,
  }));

/** What they reach of v4v-bench's own bandwidth, in a sentence. */
function share({ share: found }: Summary): string | null {
  if (found === null) return null;
  const { ratio, interval, sizeBytes } = found;
  const range = interval === null ? "" : ` (${shownInterval(interval)})`;
  return `iperf3 over ${transportLabel(UNMODIFIED)} reaches ${formatNumber(ratio)}${range} of v4v-bench's stream over ${transportLabel(SUBJECT)} with ${formatSize(sizeBytes)}.`;
}

/** A sample of a GPU's leg, or a whole leg, in the words of the GPU's tables. */
const unusedOfGpu = (one: Unused) => ({
  ...one,
  transport: gpuLabel(one.transport),
  pair: gpuLabel(one.pair),
  size: one.sizeBytes === 0 ? "–" : gpuSize({ ...one, pairs: 1 }),
});

const unusedRow = (one: Unused) =>
  isOfGpu(one)
    ? unusedOfGpu(one)
    : { ...one, transport: transportLabel(one.transport), size: formatSize(one.sizeBytes) };

/** Files whose lines could not all be used, with those lines. */
function unusableFiles(summary: Summary) {
  const files = [
    { file: "samples.jsonl", lines: unusable(summary) },
    { file: "gpu.jsonl", lines: summary.gpu?.problems ?? [] },
  ];
  return files.filter(({ lines }) => lines.length > 0);
}

const tables = (summary: Summary) =>
  TABLES.map(({ experiment, metric, title }) => ({
    title:
      summary.gpu !== null && isOfGpu({ experiment }) ? `${title} (${summary.gpu.note})` : title,
    rows: summary.points
      .filter((point) => point.experiment === experiment && point.metric === metric)
      .map((point) => pointRow(point, summary)),
  })).filter((table) => table.rows.length > 0);

/** Which of the two TCPs the claims divide by, and where it is the slower one beyond doubt; null with one of them. */
function otherTcp({ points }: Summary): string | null {
  const both = points.flatMap((stock) => {
    const tuned = stock.transport === STOCK ? findPoint(points, stock, BASELINE) : undefined;
    return tuned === undefined ? [] : [{ stock, tuned }];
  });
  if (both.length === 0) return null;
  const faster = both.filter(({ stock, tuned }) => {
    if (stock.interval === null || tuned.interval === null) return false;
    return lessIsBetter(stock.metric)
      ? stock.interval.high < tuned.interval.low
      : stock.interval.low > tuned.interval.high;
  });
  const places = faster
    .filter(({ stock }) => stock.experiment !== "bandwidth")
    .map(({ stock }) => `${stock.experiment} at ${formatSize(stock.sizeBytes)}`);
  const names = `Claims divide by ${transportLabel(BASELINE)}, the tuned one; the ratio to the other stands beside them. ${transportLabel(STOCK)}`;
  return places.length === 0
    ? `${names} is at no size faster than that beyond doubt.`
    : `${names} is faster than that here: ${places.join(", ")}.`;
}

/** Where two sets of the same transport differ beyond doubt, no other difference can be trusted. */
function brokenControls({ controls }: Summary): string[] {
  const broken = controls.filter((one) => one.holds === false);
  const places = broken.map(
    (one) => `${transportLabel(one.transport)} at ${formatSize(one.sizeBytes)}`,
  );
  return broken.length === 0
    ? []
    : [`The A/A control fails: two sets of the same differ for ${places.join(", ")}.`];
}

/** Every A/A control of the run, those that hold too: their width is what the run can tell apart. */
const controlRow = ({ transport, sizeBytes, ratio, interval, holds }: Control) => ({
  transport: transportLabel(transport),
  size: formatSize(sizeBytes),
  ratio: formatNumber(ratio),
  interval: interval === null ? "–" : formatRange(interval),
  level: interval === null ? "–" : `${(interval.coverage * 100).toFixed(1)}%`,
  width: interval === null ? "–" : `${formatNumber(interval.high / interval.low)}×`,
  verdict: holds === null ? "no interval" : holds ? "holds" : "fails",
  verdictClass: holds === null ? "open" : holds ? "pass" : "fail",
});

function warnings({ summary }: ReportInput): string[] {
  const { complete, stepsDone, stepsPlanned, samples, problems, partial, further, gpu } = summary;
  const all: string[] = brokenControls(summary);
  if (!complete) {
    const most = further === null ? "" : "at most ";
    all.push(
      `The run is not complete: ${stepsDone} of ${most}${stepsPlanned} steps were measured.`,
    );
  }
  if (samples.failed > 0) {
    all.push(
      `${counted(samples.failed, "sample")} failed; they are listed below and in no number.`,
    );
  }
  if (gpu !== null) {
    all.push(`GPU experiments: ${gpu.note}.`);
    if (gpu.failure !== null) all.push(`The GPU's legs did not run to their end: ${gpu.failure}.`);
    if (!gpu.complete) all.push("Not all of the GPU's legs had their turn.");
    if (gpu.failedAttempts > 0)
      all.push(`${counted(gpu.failedAttempts, "leg")} of the GPU's failed; see below.`);
    all.push(...wayWarnings(gpu.ways), ...hostWarnings(gpu));
    if (gpu.problems.length > 0)
      all.push(`${counted(gpu.problems.length, "line")} of gpu.jsonl could not be used.`);
  }
  const unread = problems.length + (partial === null ? 0 : 1);
  if (unread > 0) all.push(`${counted(unread, "line")} of samples.jsonl could not be used.`);
  return all;
}

/** Why a cell was not repeated more often. */
function reasonText({ reason }: CellEnd, further: Summary["further"]): string {
  switch (reason) {
    case "precise":
      return `every interval within ${WITHIN * 100}% of its median`;
    case "budget": {
      const behind = further?.first === undefined ? "" : ", behind those of other cells,";
      return `another block${behind} would not have been over within ${further?.budgetS ?? 0} s`;
    }
    case "failed":
      return "no transport gave a number";
    case "planned":
      return further === null ? "fixed beforehand" : "the most that are planned";
    case null:
      return "the run was cut short";
  }
}

const cellRow = (cell: CellEnd, further: Summary["further"]) => ({
  experiment: cell.experiment,
  size: formatSize(cell.sizeBytes),
  pairs: cell.pairs,
  transports: cell.transports.map(transportLabel).join(", "),
  repetitions: cell.repetitions,
  deviation: cell.deviation === null ? "–" : `${(cell.deviation * 100).toFixed(1)}%`,
  widest: cell.deviation === null || cell.widest === null ? "" : transportLabel(cell.widest),
  why: reasonText(cell, further),
});

/** How often cells were repeated, in numbers. */
function repetitionCounts({ cells }: Summary): string {
  const groups = Map.groupBy(cells, ({ repetitions }) => repetitions);
  const counts = [...groups].sort(([a], [b]) => a - b);
  return counts.map(([times, all]) => `${all.length} × ${times}`).join(", ");
}

const unusable = ({ problems, partial }: Summary) => [
  ...problems,
  ...(partial === null ? [] : [partial]),
];

/** What the kernels granted of the socket buffers asked for, by transport. */
function buffers({ samples }: SampleFile): string[] {
  const granted = samples
    .filter((sample) => sample.ok && sample.sndbuf !== undefined && sample.rcvbuf !== undefined)
    .sort((a, b) => compareTransports(a.transport, b.transport))
    .map((sample) => {
      const { sndbuf, rcvbuf } = sample as { sndbuf: number; rcvbuf: number };
      const label = transportLabel(sample.transport);
      return `${label}: ${formatSize(sndbuf)} to send, ${formatSize(rcvbuf)} to receive`;
    });
  return [...new Set(granted)];
}

const pairs = (record: Record<string, string>) =>
  Object.entries(record).map(([name, value]) => ({ name, value }));

/** Several are recorded by their number. */
const hostsOf = ({ hosts }: Manifest["settings"]): number =>
  typeof hosts === "number" ? hosts : 1;

/** Versions that belong to what ran where; the others are under provenance. */
const platform = ({ versions, settings }: Manifest): string[] => [
  ...(typeof settings.vmCount === "number"
    ? [`${settings.vmCount} domUs${hostsOf(settings) > 1 ? ` on ${hostsOf(settings)} hosts` : ""}`]
    : []),
  ...(versions.xen === undefined ? [] : [`Xen ${versions.xen}`]),
  ...(versions.kernel === undefined ? [] : [`Linux ${versions.kernel}`]),
];

/** What TCP without options gets of the domains' kernels. */
const kernelTcp = ({ start }: SampleFile): string[] => [
  ...new Set((start?.domains ?? []).flatMap(({ tcp }) => tcp ?? [])),
];

/** Which host it is on, from 1; the GPU domU, which has no number, is on the first. */
const hostNumber = (name: string, hosts: number): number =>
  hostOf(Number(/^domu(\d+)$/.exec(name)?.[1] ?? 1), hosts) + 1;

const sampledDomains = ({ start }: SampleFile, hosts: number) =>
  (start?.domains ?? []).map(({ name, domid, addr, cid, kernel, cpus, error }) => ({
    name,
    ...(hosts > 1 && { host: hostNumber(name, hosts) }),
    domid,
    addr,
    cid,
    kernel: kernel ?? error ?? "no answer",
    cpus: cpus ?? "–",
  }));

/** What the first screen shows, the poster's experiments before all else. */
const FIRST: readonly FigureName[] = ["latency", "bandwidth", "scaling", "cpu", "ratio", "stream"];

/** The figures in two parts: four for the first screen, and the others. */
function partition({ figures, summary }: ReportInput) {
  // One number of pairs is a point and no figure to begin with.
  const wanted = FIRST.filter((name) => name !== "scaling" || summary.saturation.length > 0);
  const first = wanted.flatMap((name) => figures.filter((one) => one.name === name)).slice(0, 4);
  const rest = figures.filter((one) => !first.includes(one));
  const view = ({ name, title, caption, svg }: Figure) => ({ name, title, caption, svg });
  return { first: first.map(view), rest: rest.map(view) };
}

/** What was chosen of the profile, as the settings say it. */
function selection({ settings }: Manifest): string {
  const { evaluation } = settings;
  return typeof evaluation === "object" && evaluation !== null
    ? selectionWords(evaluation).join("; ")
    : "";
}

/** The template's data: text ready to be shown; only the figures' SVG is markup. */
export function reportView(input: ReportInput) {
  const { manifest, summary, claims, file } = input;
  return {
    style: PAGE_STYLE,
    stamp: summary.stamp,
    hasGpu: summary.gpu !== null,
    gpuNote: summary.gpu?.note ?? "",
    gpuHosts: summary.gpu === null ? null : hostsView(summary.gpu),
    cold: coldRows(summary),
    ways: summary.gpu === null || summary.gpu.ways.length === 0 ? null : waysView(summary.gpu.ways),
    hasPath: summary.path !== null,
    caution: cautionOf(summary.accelerator),
    runId: manifest.runId,
    profile: manifest.profile,
    selection: selection(manifest),
    startedAt: manifest.startedAt,
    endedAt: manifest.endedAt,
    machine: manifest.machine,
    platform: platform(manifest),
    acceleratorReason: manifest.accelerator.reason,
    seed: manifest.seed,
    pair: [...new Set(file.samples.map((sample) => sample.pair.replace(":", " and ")))].join("; "),
    sampleCount: counted(file.samples.length, "sample line"),
    warnings: warnings(input),
    tcp: transportLabel(BASELINE),
    v4v: transportLabel(SUBJECT),
    headline: headline(summary),
    losses: losses(summary.ratios),
    otherTcp: otherTcp(summary),
    rivals: rivalsView(summary.ratios),
    controls: summary.controls
      .toSorted((a, b) => compareTransports(a.transport, b.transport) || a.sizeBytes - b.sizeBytes)
      .map(controlRow),
    claims: claims.map(fullClaim),
    firstClaims: firstClaims(claims),
    claimCounts: claimCounts(claims),
    figures: partition(input),
    programs: programs(input),
    share: share(summary),
    tables: tables(summary),
    further: summary.further,
    cells: summary.cells.map((cell) => cellRow(cell, summary.further)),
    repetitionCounts: repetitionCounts(summary),
    unused: summary.unused.map(unusedRow),
    unusedNote: summary.unused.some(isOfGpu) ? (summary.gpu?.note ?? "") : "",
    unusable: unusableFiles(summary),
    buffers: buffers(file),
    kernelTcp: kernelTcp(file).join("; "),
    transports: pairs(manifest.transports ?? {}).map(({ name, value }) => ({
      name: transportLabel(name),
      value,
    })),
    domains: sampledDomains(file, hostsOf(manifest.settings)),
    severalHosts: hostsOf(manifest.settings) > 1,
    versions: pairs(manifest.versions),
    conditions: pairs(manifest.conditions ?? {}),
    builds: pairs(manifest.builds),
    artifacts: pairs(manifest.artifacts),
    planSha256: manifest.plan.sha256,
    manifestSha256: manifestHash(manifest),
    settings: JSON.stringify(manifest.settings, null, 2),
    command: manifest.command,
  };
}
