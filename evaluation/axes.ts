import { LABEL_SIZE, WIDTH } from "./drawing.ts";

/** 1, 2 and 5 times the powers of ten around a range; the powers alone where it spans more than three of them. */
export function logTicks(low: number, high: number): number[] {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const steps = to - from > 3 ? [1] : [1, 2, 5];
  const powers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const all = powers.flatMap((power) => steps.map((step) => Number(`${step}e${power}`)));
  const first = all.findLastIndex((tick) => tick <= low);
  const last = all.findIndex((tick) => tick >= high);
  return all.slice(Math.max(0, first), last < 0 ? undefined : last + 1);
}

const shortSize = (bytes: number): string =>
  bytes >= 1 << 20 ? `${bytes / (1 << 20)}M` : bytes >= 1024 ? `${bytes / 1024}K` : String(bytes);

/** Sizes whose labels find room beside each other: powers of 4 before other powers of 2, and these before the rest. */
function labelled(sizes: readonly number[], domain: readonly [number, number]): number[] {
  const pxPerOctave = WIDTH / Math.log2(domain[1] / domain[0]);
  const rank = (size: number): number =>
    [2, 1].filter((step) => Math.log2(size) % step !== 0).length;
  const half = (size: number): number => (shortSize(size).length * LABEL_SIZE * 0.65) / 2;
  const chosen: number[] = [];
  for (const size of [...sizes].sort((a, b) => rank(a) - rank(b))) {
    const fits = chosen.every(
      (other) => Math.abs(Math.log2(size / other)) * pxPerOctave >= half(size) + half(other),
    );
    if (fits) chosen.push(size);
  }
  return chosen;
}

/** Message sizes, logarithmic; every measured size has its tick, and a label where there is room. */
export function sizeAxis(sizes: readonly number[]) {
  const values = [...new Set(sizes)].sort((a, b) => a - b);
  const [smallest, largest] = [values[0] ?? 1, values.at(-1) ?? 1];
  // A little room at either side, or the outer points would sit on the frame.
  const domain: [number, number] = [smallest / 1.6, largest * 1.6];
  return {
    field: "x",
    type: "quantitative" as const,
    title: "message size, bytes (K = 1024)",
    scale: { type: "log" as const, base: 2, domain, nice: false },
    axis: {
      values,
      grid: false,
      labelOverlap: false,
      labelExpr:
        `indexof(${JSON.stringify(labelled(values, domain))}, datum.value) < 0 ? ''` +
        " : datum.value >= 1048576 ? datum.value / 1048576 + 'M'" +
        " : datum.value >= 1024 ? datum.value / 1024 + 'K' : datum.value",
    },
  };
}

/** Small numbers of what runs at the same time, linear; every measured one has its tick. */
const countAxis = (title: string) => (pairs: readonly number[]) => {
  const values = [...new Set(pairs)].sort((a, b) => a - b);
  return {
    field: "x",
    type: "quantitative" as const,
    title,
    scale: {
      type: "linear" as const,
      domain: [(values[0] ?? 1) - 0.5, (values.at(-1) ?? 1) + 0.5],
      nice: false,
    },
    axis: { values, grid: false, labelOverlap: false, format: "d" },
  };
};

export const pairsAxis = countAxis("pairs of domUs at the same time");

export const clientsAxis = countAxis("clients at the same time");

/** Numbers of domUs, logarithmic as a sweep doubles them; every measured one has its tick. */
export function domUsAxis(counts: readonly number[]) {
  const values = [...new Set(counts)].sort((a, b) => a - b);
  const [fewest, most] = [values[0] ?? 1, values.at(-1) ?? 1];
  return {
    field: "x",
    type: "quantitative" as const,
    title: "domUs",
    scale: { type: "log" as const, base: 2, domain: [fewest / 1.3, most * 1.3], nice: false },
    axis: { values, grid: false, labelOverlap: false, format: "d" },
  };
}

/** Measured values: logarithmic between ticks that enclose them, or linear from zero. */
export function valueAxis(title: string, kind: "log" | "linear", values: readonly number[]) {
  const common = { type: "quantitative" as const, title };
  const labelExpr = "format(datum.value, ',')";
  const high = Math.max(...values);
  if (kind === "linear") {
    const scale = { type: "linear" as const, domain: [0, high], nice: true };
    return { ...common, scale, axis: { labelExpr, tickCount: 6 } };
  }
  // A little wider than the values, which would otherwise sit on the frame.
  const ticks = logTicks(Math.min(...values) * 0.95, high * 1.05);
  const scale = { type: "log" as const, domain: [ticks[0] ?? 1, ticks.at(-1) ?? 10], nice: false };
  return { ...common, scale, axis: { labelExpr, values: ticks } };
}
