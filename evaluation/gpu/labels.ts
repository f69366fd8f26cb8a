import { BASELINE, NATIVE, transportLabel, UNMODIFIED } from "../transports.ts";

const LABELS: Record<string, string> = {
  [NATIVE]: "native",
  [BASELINE]: "remote, TCP",
  [UNMODIFIED]: "remote, V4V sockets",
};

/** How the GPU's tables and figures call a transport. */
export const gpuLabel = (transport: string): string =>
  LABELS[transport] ?? transportLabel(transport);
