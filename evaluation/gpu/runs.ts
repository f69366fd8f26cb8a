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

interface Started {
  kind: string;
  ok: boolean;
  start?: string;
}

const startsAs = ({ kind, ok, start }: Started, word: string): boolean =>
  ok && kind !== "transfer" && start === word;

/** With everything in place. */
export const isWarm = (sample: Started): sample is ComputeSample => startsAs(sample, "warm");

/** A process's first. */
export const isCold = (sample: Started): sample is ComputeSample => startsAs(sample, "cold");
