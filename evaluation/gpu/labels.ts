import { BASELINE, NATIVE, transportLabel, UNMODIFIED } from "../transports.ts";

/** A matrix of single precision by its sides. */
export function sidesOf(sizeBytes: number): string {
  const side = Math.round(Math.sqrt(sizeBytes / Float32Array.BYTES_PER_ELEMENT));
  return `${side} x ${side}`;
}

/** Workloads that compute, by their experiments. */
export const KINDS: Record<string, string> = {
  "gpu-matmul": "matrix product",
  "gpu-stencil": "stencil",
};

const LABELS: Record<string, string> = {
  [NATIVE]: "native",
  [BASELINE]: "remote, TCP",
  [UNMODIFIED]: "remote, V4V sockets",
};

/** How the GPU's tables and figures call a transport. */
export const gpuLabel = (transport: string): string =>
  LABELS[transport] ?? transportLabel(transport);
