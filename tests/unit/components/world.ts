import { join } from "node:path";
import { loadSettings } from "../../../config/load.ts";
import type { Settings } from "../../../config/types.ts";
import { Testbed } from "../../../components/testbed.ts";
import { HOST } from "../config/corpus.ts";
import { Engine, type Outputs } from "../helpers/pulumiMocks.ts";

export const PROJECT = join(import.meta.dirname, "../../..");
export const FOLDER = "/state/stacks/unit";

/** Settings as a stack would have them. */
export function settingsOf(given: Record<string, string> = {}): Settings {
  const entries = Object.entries(given).map(([key, value]): [string, string] => [
    `p:${key}`,
    value,
  ]);
  return loadSettings(Object.fromEntries(entries), "p");
}

/** Texts that must be nowhere in the clear. */
export const KEYS = {
  privateKey: "PRIVATE login key",
  hostPrivateKey: "PRIVATE host key",
  dom0PrivateKey: "PRIVATE dom0 key",
};

const facts: Record<string, Record<string, string>> = {
  hypervisor: { "build-id": "b001d", sha256: "5a" },
  module: { srcversion: "5EC", sha256: "5b" },
  tools: { "v4v-bench-sha256": "5c" },
  "domu-image": { "root-sha256": "5d" },
  "gpu-image": { "root-sha256": "5f" },
  "gpu-tools": { "gpu-bench-sha256": "6a" },
  pocl: { sha256sums: "6b" },
  "remote-archive": { sha256: "6c" },
  sockets: { "v4v-sockets-build": "5d1", "v4v-dom0-build": "5d2" },
  "module-package": { "v4v-module-dkms-build": "DKMS" },
  index: { "release-date": "a day", "release-sha256": "5e" },
  "nvidia-index": { "release-sha256": "60" },
  "nvidia-module": { "kernel-release": "6.12.9-amd64" },
};

/** Function that a domU is given. */
export const DISPLAY = "0000:00:10.0";

/** Settings of a testbed on a host that is somebody else's. */
export const EXISTING = {
  target: "existing",
  hosts: JSON.stringify([{ ...HOST, user: "admin", keyFile: "/keys/rack" }]),
};

/** The same on two hosts, with four domUs. */
export const SEVERAL = {
  target: "existing",
  vmCount: "4",
  hosts: JSON.stringify([
    { ...HOST, user: "admin", keyFile: "/keys/rack", link: "192.0.2.1" },
    {
      address: "rack2.example",
      hostKey: `ssh-ed25519 ${"B".repeat(68)}`,
      user: "admin",
      keyFile: "/keys/rack",
      link: "192.0.2.2",
    },
  ]),
};

/** What the provider would answer. */
export const outputs: Outputs = (type, name, inputs) => {
  switch (type) {
    case "v4v:index:Build": {
      const recipe = String(inputs.recipe);
      return { path: `/cache/${recipe}`, key: recipe, facts: facts[recipe] ?? {} };
    }
    case "v4v:index:RunFolder":
      return {
        ...KEYS,
        marker: "v4v-testbed-0123",
        port: 20_022,
        publicKey: "ssh-ed25519 LOGIN",
        hostPublicKey: "ssh-ed25519 HOST",
        dom0PublicKey: "ssh-ed25519 DOM0",
      };
    case "v4v:index:Machine":
      return {
        acceleratorUsed: "tcg",
        acceleratorReason: "no KVM",
        emulator: "QEMU",
        consoleLog: "/console",
        incarnation: "first start",
      };
    case "v4v:index:Host":
      return {
        machineId: "machine of the rack",
        kernel: "6.12.9-amd64",
        commandLine: "BOOT_IMAGE=/vmlinuz-6.12.9-amd64 placeholder root=UUID=12ab ro quiet",
        bootUuid: "12ab",
        bootPath: "/boot",
        virtualisation: "none",
        processor: "a CPU",
        cores: 8,
        memoryMiB: 32_768,
        system: "Debian GNU/Linux 13 (trixie)",
      };
    case "v4v:index:HostModule":
      return inputs.built as Record<string, unknown>;
    case "v4v:index:Hypervisor":
      return { bootId: "dom0 boot", version: "4.20", runningBuildId: inputs.buildId };
    case "v4v:index:GuestImage":
      return { bootDigest: "boot digest", packedDigest: "packed digest" };
    case "v4v:index:Passthrough":
      return { functions: [DISPLAY], guestType: inputs.guestType === "hvm" ? "hvm" : "pv" };
    case "v4v:index:Domain": {
      const number = name === "gpu" ? 99 : Number(name.slice("domu".length));
      return {
        domid: number + 100,
        cid: number + 102,
        bootId: `boot of ${name}`,
        hostPrivateKey: "PRIVATE domU key",
        hostPublicKey: `ssh-ed25519 KEY OF ${name}`,
      };
    }
    case "v4v:index:Evaluation":
      return {
        runId: "run 1",
        path: "/a/run",
        report: "/a/run/report.html",
        claims: [{ id: "latency", verdict: "pass" }],
      };
    case "command:remote:Command":
      return { stdout: "6.12.1-amd64" };
    default:
      return {};
  }
};

/** The whole testbed of a configuration, registered. */
export function testbedOf(
  given: Record<string, string> = {},
  preview = false,
  /** Folders of builds that are really there, by recipe. */
  built: Record<string, string> = {},
  /** Changes settings beyond what the emulated machine's configuration accepts. */
  beyond: (settings: Settings) => Settings = (settings) => settings,
) {
  const found: Outputs = (type, name, inputs) => {
    const path = type === "v4v:index:Build" ? built[String(inputs.recipe)] : undefined;
    return { ...outputs(type, name, inputs), ...(path !== undefined && { path }) };
  };
  const program = () =>
    new Testbed("testbed", {
      project: PROJECT,
      folder: FOLDER,
      artifacts: "/artifacts",
      settings: beyond(settingsOf(given)),
    });
  return Engine.run(program, { outputs: found, preview });
}
