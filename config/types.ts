/** The settings as the rest of the program sees them: complete, typed, checked. Units are in schema.json. */
export interface Settings {
  vmCount: number;
  target: "emulated";
  hosts: never[];
  domU: { type: "pv"; memoryMiB: number; vcpus: number };
  machine: {
    memoryMiB: number;
    cpus: number;
    diskMiB: number;
    accelerator: "auto" | "tcg" | "kvm";
    sshPort: number;
    mirror: string;
    bootTimeout: number;
    freeze: boolean;
  };
  xen: {
    dom0MemoryMiB: number;
    dom0Vcpus: number;
    debug: boolean;
    xsm: "none" | "silo" | "flask";
    options: string;
  };
  v4v: {
    enabled: boolean;
    ringKiB: number;
    spinUs: number;
    policy: "accept" | "drop";
    rules: string[];
  };
  gpu: {
    /** auto, none or a PCI address. */
    device: string;
    memoryMiB: number;
    vcpus: number;
  };
  remoteGpu: { enabled: boolean };
  evaluation: {
    profile: "none" | "smoke" | "quick" | "paper" | "full";
    /** These six: see evaluation/selection.ts. */
    experiments: string;
    sizes: string;
    pairs: string;
    transports: string;
    repetitions: string;
    budget: number;
    seed: number;
    generation: number;
    timeout: number;
  };
}
