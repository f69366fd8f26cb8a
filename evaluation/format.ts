import type { Interval } from "./statistics.ts";

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** A message size as people write it: `64 B`, `4 KiB`, `1 MiB`; sizes that are no whole KiB stay in bytes. */
export function formatSize(bytes: number): string {
  if (bytes >= MIB && bytes % MIB === 0) return `${bytes / MIB} MiB`;
  if (bytes >= KIB && bytes % KIB === 0) return `${bytes / KIB} KiB`;
  return `${bytes} B`;
}

/** A size, and where several pairs of domUs were measured at once their number: `64 KiB x8`. */
export const formatPlace = (place: { sizeBytes: number; pairs: number }): string =>
  place.pairs === 1
    ? formatSize(place.sizeBytes)
    : `${formatSize(place.sizeBytes)} x${place.pairs}`;

/** `40 s`, `3 min`: rounded up. */
export const formatTime = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;

/** Three significant digits, whole numbers from 100 on: `0.000498`, `4.59`, `2012`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  // Rounded first: 99.96 has the magnitude of 100.
  const magnitude = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(3)))));
  return value.toFixed(Math.min(20, Math.max(0, 2 - magnitude)));
}

/** `0.0329 to 0.219`. */
export const formatRange = ({ low, high }: Interval): string =>
  `${formatNumber(low)} to ${formatNumber(high)}`;

/** A share as a percentage with a sign, in whole percent: 0.19 is `−81%`, 1.15 is `+15%`. */
export function formatChange(ratio: number): string {
  const percent = Math.round((ratio - 1) * 100);
  return `${percent < 0 ? "−" : "+"}${Math.abs(percent)}%`;
}

/** `1 sample`, `2 samples`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
