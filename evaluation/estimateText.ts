import type { Estimate } from "./estimate.ts";
import { formatNumber, formatTime } from "./format.ts";

/** `40 s`, `3 min`, `1.7 h`: rounded up, as an estimate is on the slow side. */
export const durationText = (seconds: number): string =>
  seconds < 5400 ? formatTime(seconds) : `${formatNumber(seconds / 3600)} h`;

const span = (least: string, most: string): string => {
  if (least === most) return least;
  const [number, unit] = least.split(" ");
  return `${most.split(" ")[1] === unit ? (number ?? "") : least} to ${most}`;
};

/** `600 to 2310 steps, 6 to 10 min`. */
export const estimateText = ({ steps, mostSteps, seconds, mostSeconds }: Estimate): string =>
  `${span(`${steps} steps`, `${mostSteps} steps`)}, ${timeText({ seconds, mostSeconds })}`;

export const timeText = ({ seconds, mostSeconds }: Pick<Estimate, "seconds" | "mostSeconds">) =>
  span(durationText(seconds), durationText(mostSeconds));

export const stepsText = ({ steps, mostSteps }: Pick<Estimate, "steps" | "mostSteps">) =>
  span(String(steps), String(mostSteps));

/** What the estimates are of. */
export const ESTIMATE_NOTE =
  "Estimates are for an emulated machine (QEMU TCG) on two cores; with KVM or on hardware it takes less.";
