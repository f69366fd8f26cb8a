/** How to log in to a host over SSH. */
export interface LoginSettings {
  address: string;
  port: number;
  user: string;
  /** Private key on this computer; empty: what the SSH agent has. */
  keyFile: string;
  /** Its public host key: `ssh-ed25519 AAAA...`. */
  hostKey: string;
}

/** A host of target `existing`. */
export interface HostSettings extends LoginSettings {
  /** Its IPv4 address on the network between several hosts; empty: `address`. */
  link: string;
  /** The host to go through. */
  jump?: LoginSettings;
}

/** The settings as the rest of the program sees them: complete, typed, checked. Units are in schema.json. */
export interface Settings {
  vmCount: number;
  target: "emulated" | "existing";
  hosts: HostSettings[];
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
    /** auto: as the device needs. */
    type: "auto" | "pv" | "hvm";
    /** What its image has for a real card. */
    driver: "none" | "nvidia";
    memoryMiB: number;
    vcpus: number;
  };
  remoteGpu: {
    enabled: boolean;
    product: "pocl" | "rcuda";
    /** Where `product` is `rcuda`; both are empty where nobody named an archive. */
    rcuda: { archive: string; sha256: string };
  };
  evaluation: {
    profile: "none" | "smoke" | "quick" | "paper" | "full";
    /** `all`, or names; as all lists here words between commas. */
    experiments: string;
    /** `profile`, or sizes: `1,64KiB,1MiB`. */
    sizes: string;
    /** `profile`, or numbers of pairs. */
    pairs: string;
    /** `profile`, or names. */
    transports: string;
    /** `profile`, `N`, or `N-M`: N, and more up to M where the intervals ask for it. */
    repetitions: string;
    /** s of measuring; 0: the profile's. */
    budget: number;
    /** `profile`, or sides of matrices. */
    gpuProducts: string;
    gpuStencils: string;
    /** `profile`, or sizes: `4KiB,1MiB`. */
    gpuTransfers: string;
    seed: number;
    generation: number;
    timeout: number;
  };
}
