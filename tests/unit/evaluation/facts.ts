import type { RunFacts } from "../../../evaluation/manifest.ts";
import { domains } from "./synthetic.ts";

export const facts: RunFacts = {
  runId: "20250131T120000Z-1",
  startedAt: "2025-01-31T12:00:00Z",
  endedAt: "2025-01-31T12:01:20Z",
  command: "./scripts/up --profile smoke --seed 1",
  settings: { vmCount: 2, domU: { type: "pv", memoryMiB: 192 }, evaluation: { profile: "smoke" } },
  versions: { xen: "4.20.2", kernel: "6.12.107", qemu: "7.2.22", node: "24.21.0" },
  builds: { hypervisor: "ab".repeat(32), module: "cd".repeat(32) },
  machine: { cpuModel: "Example CPU 3.0 GHz", cores: 2, memoryMiB: 24_000, os: "Debian 12" },
  accelerator: { kind: "tcg", reason: "this computer's CPU shows neither svm nor vmx" },
  domains,
};
