import type { LineProblem } from "../samples.ts";
import { bufferRows, type BufferRow } from "./buffers.ts";
import type { LegWay } from "./connections.ts";
import { noteOf, productOf, type GpuSetting } from "./product.ts";
import type { GpuDevice, GpuFile, GpuHosts } from "./samples.ts";

/** The GPU's part of a run's samples. */
export interface GpuPart {
  file: GpuFile;
  devices: GpuDevice[];
  ways: LegWay[];
  setting: GpuSetting;
}

export interface GpuSummary {
  /** What carried the calls to the GPU domU; null where everything was native. */
  product: string | null;
  devices: GpuDevice[];
  /** What computed, in words: in every table, figure and claim of the GPU's experiments. */
  note: string;
  hosts: GpuHosts;
  /** What sockets were granted, at both ends where both were asked; empty for runs that did not record them. */
  buffers: BufferRow[];
  /** Every leg had its turn. */
  complete: boolean;
  /** Why not, where the legs as a whole could not be run. */
  failure: string | null;
  /** Legs that failed and were measured again, or given up. */
  failedAttempts: number;
  /** Which way the bytes of each leg went, connection by connection; empty for runs that did not record them. */
  ways: LegWay[];
  /** Lines of gpu.jsonl that could not be read. */
  problems: LineProblem[];
}

export function gpuSummaryOf(part: GpuPart | undefined): GpuSummary | null {
  if (part === undefined) return null;
  const { file, devices, ways, setting } = part;
  return {
    product: productOf(file.attempts, setting),
    devices,
    note: noteOf(devices, setting.emulated),
    hosts: file.hosts,
    buffers: bufferRows(file),
    complete: file.complete,
    failure: file.failure,
    failedAttempts: file.attempts.filter(({ status }) => status !== 0).length,
    ways,
    problems: file.problems,
  };
}
