import type { LegWay } from "./connections.ts";
import type { GpuDevice, GpuFile, GpuHosts } from "./samples.ts";

/** The GPU's part of a run's samples. */
export interface GpuPart {
  file: GpuFile;
  devices: GpuDevice[];
  ways: LegWay[];
}

export interface GpuSummary {
  devices: GpuDevice[];
  /** What computed, in words: in every table, figure and claim of the GPU's experiments. */
  note: string;
  hosts: GpuHosts;
  /** Every leg had its turn. */
  complete: boolean;
  /** Legs that failed and were measured again, or given up. */
  failedAttempts: number;
  /** Which way the bytes of each leg went, connection by connection; empty for runs that did not record them. */
  ways: LegWay[];
}

/** Never leaves a reader in doubt whether a GPU took part. */
export function noteOf(devices: readonly GpuDevice[]): string {
  if (devices.length === 0) return "nothing computed";
  const gpus = devices.filter(({ type }) => type !== "cpu");
  if (gpus.length < devices.length)
    return gpus.length === 0
      ? "the CPU computed, beside an emulated device: no GPU"
      : "in part the CPU computed, not the GPU";
  return gpus.map(({ name }) => name).join(", ");
}

export function gpuSummaryOf(part: GpuPart | undefined): GpuSummary | null {
  if (part === undefined) return null;
  const { file, devices, ways } = part;
  return {
    devices,
    note: noteOf(devices),
    hosts: file.hosts,
    complete: file.complete,
    failedAttempts: file.attempts.filter(({ status }) => status !== 0).length,
    ways,
  };
}
