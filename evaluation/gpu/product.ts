import type { GpuAttempt, GpuDevice } from "./samples.ts";
import { NATIVE } from "../transports.ts";

/** What a run's settings say of its GPU. */
export interface GpuSetting {
  /** What carries a GPU's calls to another domain. */
  product: string;
  /** The device that the GPU domU has is QEMU's. */
  emulated: boolean;
}

/** What the poster's claims are about. */
export const RCUDA = "rCUDA";

const PRODUCTS: Record<string, string> = { pocl: "PoCL's remote driver", rcuda: RCUDA };
const USUAL = "pocl";

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;

/** Of a manifest's settings; what they leave out has its default. */
export function gpuSettingOf(settings: Record<string, unknown>): GpuSetting {
  const named = memberOf(settings.remoteGpu, "product");
  const word = typeof named === "string" ? named : USUAL;
  return {
    product: Object.hasOwn(PRODUCTS, word) ? (PRODUCTS[word] ?? word) : word,
    emulated: settings.target !== "existing",
  };
}

/** What ran remotely, or was to; null where everything was native. */
export const productOf = (
  attempts: readonly GpuAttempt[],
  { product }: GpuSetting,
): string | null =>
  attempts.length === 0 || attempts.some(({ transport }) => transport !== NATIVE) ? product : null;

/** Never leaves a reader in doubt whether a GPU took part. */
export function noteOf(devices: readonly GpuDevice[], emulated: boolean): string {
  if (devices.length === 0) return "nothing computed";
  const gpus = devices.filter(({ type }) => type !== "cpu");
  if (gpus.length === devices.length) return gpus.map(({ name }) => name).join(", ");
  if (gpus.length > 0) return "in part the CPU computed, not the GPU";
  return emulated
    ? "the CPU computed, beside an emulated device: no GPU"
    : "the CPU computed, not the host's device: no GPU";
}

/** The device as it names itself, behind its platform. */
export const deviceWords = (devices: readonly GpuDevice[]): string =>
  devices.map(({ platform, name }) => `${platform}, ${name}`).join("; ");
