import type { PciFunction } from "./passthrough.ts";

const NVIDIA = 0x10de;
const DISPLAY = 0x03;

const id = ({ vendor, device }: PciFunction): string =>
  [vendor, device].map((number) => number.toString(16).padStart(4, "0")).join(":");

/** Whether the GPU domU's driver is for the device that was taken. */
export function driverFits(
  take: readonly PciFunction[],
  driver: "none" | "nvidia",
): { problems: string[]; warnings: string[] } {
  const card = take.find((one) => one.vendor === NVIDIA && one.classCode >> 16 === DISPLAY);
  if (driver === "nvidia" && card === undefined) {
    const taken = take.map((one) => `${one.address} (${id(one)})`).join(", ");
    return { problems: [`nvidia is for a card of NVIDIA's, and not for ${taken}`], warnings: [] };
  }
  if (driver === "nvidia")
    return {
      problems: [],
      warnings: ["gpu.driver is nvidia: this testbed has never run NVIDIA's driver on hardware"],
    };
  return {
    problems: [],
    warnings:
      card === undefined
        ? []
        : [
            `gpu.driver is none: ${card.address} is a card of NVIDIA's, on which nothing computes without its driver`,
          ],
  };
}

/** Whether the driver's modules are for the kernel that dom0 runs, and with it the domU. */
export const modulesFit = (built: string, running: string): string[] =>
  built === running
    ? []
    : [
        `its modules are built for kernel ${built}, and the host runs ${running}; boot it into that kernel, or set gpu.driver to none`,
      ];
