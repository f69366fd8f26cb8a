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

/** Message sizes, logarithmic; every measured size has its tick. */
export function sizeAxis(sizes: readonly number[]) {
  const values = [...new Set(sizes)].sort((a, b) => a - b);
  const [smallest, largest] = [values[0] ?? 1, values.at(-1) ?? 1];
  return {
    field: "x",
    type: "quantitative" as const,
    title: "message size, bytes (K = 1024, M = 1024 K)",
    // A little room at either side, or the outer points would sit on the frame.
    scale: { type: "log" as const, base: 2, domain: [smallest / 1.6, largest * 1.6], nice: false },
    axis: {
      values,
      grid: false,
      labelOverlap: false,
      labelExpr:
        "datum.value >= 1048576 ? datum.value / 1048576 + 'M'" +
        " : datum.value >= 1024 ? datum.value / 1024 + 'K' : datum.value",
    },
  };
}

/** Numbers of pairs, linear; every measured one has its tick. */
export function pairsAxis(pairs: readonly number[]) {
  const values = [...new Set(pairs)].sort((a, b) => a - b);
  return {
    field: "x",
    type: "quantitative" as const,
    title: "pairs of domUs at the same time",
    scale: {
      type: "linear" as const,
      domain: [(values[0] ?? 1) - 0.5, (values.at(-1) ?? 1) + 0.5],
      nice: false,
    },
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
