import { readFileSync } from "node:fs";
import { cpus, totalmem, version as kernelVersion } from "node:os";
import type * as pulumi from "@pulumi/pulumi";
import type { Accelerator } from "../evaluation/accelerator.ts";
import type { RunFolder } from "../provider/sdk.ts";
import type { Host } from "./host.ts";

/** The computer whose CPUs measure. */
export interface Computer {
  cpuModel: string;
  cores: number;
  memoryMiB: number;
  os: string;
}

/** Where a testbed is: a host, with what a report says of it. */
export interface Place extends Host {
  runFolder: RunFolder;
  accelerator: pulumi.Output<Accelerator>;
  acceleratorReason: pulumi.Output<string>;
  /** The emulator's version; of a host that is none of ours, that it has none. */
  emulator: pulumi.Output<string>;
  computer: pulumi.Output<Computer>;
  /** dom0's kernel, where that is known without asking. */
  kernel?: pulumi.Output<string>;
}

/** This computer, which emulates the machine. */
export const thisComputer = (): Computer => ({
  cpuModel: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memoryMiB: Math.round(totalmem() / 2 ** 20),
  os: systemName(),
});

/** The distribution's name; the kernel's version alone tells little. */
function systemName(): string {
  try {
    const release = readFileSync("/etc/os-release", "utf8");
    return /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(release)?.[1] ?? kernelVersion();
  } catch {
    return kernelVersion();
  }
}
