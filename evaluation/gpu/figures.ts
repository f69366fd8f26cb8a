import type { BarRow } from "../bars.ts";
import type { StackRow } from "../stacks.ts";
import type { ChartPoint, SeriesStyle } from "../chart.ts";
import { counted, formatSize } from "../format.ts";
import type { Point, Summary } from "../summary.ts";
import { compareTransports } from "../transports.ts";
import { gpuLabel, KINDS, sidesOf } from "./labels.ts";
import { isOfTransfers, SOCKET_EXPERIMENT } from "./observations.ts";
import { SHARED } from "./sharing.ts";

type Colour = (transport: string) => SeriesStyle;

/** Warm runs by workload and size, natively and remotely. */
export function runRows(summary: Summary, style: Colour): { points: Point[]; rows: BarRow[] } {
  const points = summary.points.filter(
    ({ experiment, metric }) => metric === "duration" && Object.hasOwn(KINDS, experiment),
  );
  const groups = Map.groupBy(points, ({ experiment, sizeBytes }) => `${experiment} ${sizeBytes}`);
  const rows = [...groups.values()].flatMap((group): BarRow[] => {
    const [first] = group;
    if (first === undefined) return [];
    return [
      {
        title: `${KINDS[first.experiment] ?? first.experiment}, ${sidesOf(first.sizeBytes)}`,
        bars: group
          .toSorted((a, b) => compareTransports(a.transport, b.transport))
          .map(({ transport, median, interval }) => ({
            series: gpuLabel(transport),
            colour: style(transport).colour,
            value: median,
            low: interval?.low ?? null,
            high: interval?.high ?? null,
          })),
      },
    ];
  });
  return { points, rows };
}

/** Phases of a warm run, in their order, in colours of M. Okabe and K. Ito's palette. */
const PHASE_STYLES = [
  { metric: "phase_copy_a", part: "copy A", colour: "#0072b2" },
  { metric: "phase_copy_b", part: "copy B", colour: "#4590c8" },
  { metric: "phase_compute", part: "compute", colour: "#7a7a7a" },
  { metric: "phase_copy_c", part: "copy C", colour: "#d55e00" },
] as const;

/** A warm product's phases one after the other, by size, natively and remotely. */
export function phaseRows({ points }: Summary): { from: Point[]; rows: StackRow[] } {
  const from = points.filter(
    ({ experiment, metric }) =>
      experiment === "gpu-matmul" && PHASE_STYLES.some((one) => one.metric === metric),
  );
  const bySize = Map.groupBy(from, ({ sizeBytes }) => sizeBytes);
  const rows = [...bySize].map(([size, group]): StackRow => {
    const byTransport = [...Map.groupBy(group, ({ transport }) => transport)];
    return {
      title: sidesOf(size),
      bars: byTransport
        .sort(([a], [b]) => compareTransports(a, b))
        .map(([transport, own]) => ({
          series: gpuLabel(transport),
          parts: PHASE_STYLES.flatMap(({ metric, part, colour }) => {
            const point = own.find((one) => one.metric === metric);
            return point === undefined ? [] : [{ part, colour, value: point.median }];
          }),
        })),
    };
  });
  return { from, rows };
}

/** A device's lines are whole or of short strokes, its socket's of long ones or dots. */
const THERE: Partial<SeriesStyle> = { dash: [1, 0] };
const BACK: Partial<SeriesStyle> = { dash: [3, 3], shape: "triangle-down" };
const SOCKET_THERE: Partial<SeriesStyle> = { dash: [12, 4], shape: "square" };
const SOCKET_BACK: Partial<SeriesStyle> = { dash: [1, 4], shape: "triangle-up" };

const WAYS = { to_device: "to the device", from_device: "from it" } as const;

const isOfSocket = ({ experiment }: Point): boolean => experiment === SOCKET_EXPERIMENT;

/** Bandwidth of transfers by size and direction, and beside a remote device's what its socket gives by itself. */
export function transferLines(
  summary: Summary,
  style: Colour,
): { from: Point[]; points: ChartPoint[]; styles: (SeriesStyle & { series: string })[] } {
  const from = summary.points.filter((point) => isOfTransfers(point) || isOfSocket(point));
  const series = (point: Point): string => {
    // The legend cuts longer ones off.
    const label = gpuLabel(point.transport).replace("remote, ", "");
    const way = WAYS[point.metric === "to_device" ? "to_device" : "from_device"];
    return isOfSocket(point) ? `${label}: socket, ${way}` : `${label}, ${way}`;
  };
  const points = from.map((point) => ({
    series: series(point),
    x: point.sizeBytes,
    value: point.median,
    low: point.interval?.low ?? null,
    high: point.interval?.high ?? null,
  }));
  const ordered = from.toSorted(
    (a, b) =>
      Number(isOfSocket(a)) - Number(isOfSocket(b)) || compareTransports(a.transport, b.transport),
  );
  const first = new Map(ordered.map((point) => [series(point), point]));
  const styles = [...first].map(([name, point]) => ({
    ...style(point.transport),
    series: name,
    ...(point.metric === "to_device" ? THERE : BACK),
    ...(isOfSocket(point) && (point.metric === "to_device" ? SOCKET_THERE : SOCKET_BACK)),
  }));
  return { from, points, styles };
}

/** What several clients get together, and how much longer each of them waits, by their number. */
export function sharingLines(
  summary: Summary,
  style: Colour,
): {
  from: Point[];
  rates: ChartPoint[];
  slowDowns: ChartPoint[];
  styles: (SeriesStyle & { series: string })[];
} {
  const of = (metric: string): Point[] =>
    summary.points.filter((point) => point.experiment === SHARED && point.metric === metric);
  const placed = (points: readonly Point[]): ChartPoint[] =>
    points.map(({ transport, pairs, median, interval }) => ({
      series: gpuLabel(transport),
      x: pairs,
      value: median,
      low: interval?.low ?? null,
      high: interval?.high ?? null,
    }));
  const from = of("rate");
  const transports = [...new Set(from.map(({ transport }) => transport))].sort(compareTransports);
  return {
    from,
    rates: placed(from),
    slowDowns: placed(of("slowdown")),
    styles: transports.map((transport) => ({ ...style(transport), series: gpuLabel(transport) })),
  };
}

/** Sizes of a table of the GPU's: matrices by their side, transfers by their bytes. */
export function gpuSize({
  experiment,
  sizeBytes,
  pairs,
}: Pick<Point, "experiment" | "sizeBytes" | "pairs">): string {
  if (experiment === "gpu-transfer" || experiment === SOCKET_EXPERIMENT)
    return formatSize(sizeBytes);
  const clients = experiment === SHARED ? `, ${counted(pairs, "client")}` : "";
  return `${sidesOf(sizeBytes)}${clients}`;
}
