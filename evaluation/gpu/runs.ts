import type { ComputeSample } from "./samples.ts";

/** Phases of a run with everything in place: what a native run and a remote one are compared by. */
export const PHASES = ["copy_a", "copy_b", "compute", "copy_c"] as const;

/** Phases that move matrices. */
export const COPIES = ["copy_a", "copy_b", "copy_c"] as const;

/** s */
export const phaseOf = ({ phases_ns }: ComputeSample, name: string): number =>
  (phases_ns[name] ?? 0) / 1e9;

export const durationOf = (sample: ComputeSample): number =>
  PHASES.reduce((sum, name) => sum + phaseOf(sample, name), 0);

/** The part of a run that its copies take. */
export const copyShareOf = (sample: ComputeSample): number =>
  COPIES.reduce((sum, name) => sum + phaseOf(sample, name), 0) / durationOf(sample);

/** With everything in place. */
export const isWarm = (sample: {
  kind: string;
  ok: boolean;
  start?: string;
}): sample is ComputeSample => sample.ok && sample.kind !== "transfer" && sample.start === "warm";
