import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerChannel } from "ssh2";
import { parseGate } from "./gate.ts";
import type { Behaviour } from "./sshServer.ts";
import { endLine, startLine, stepLines, type Measure } from "../evaluation/driven.ts";
import type { Plan } from "../../../evaluation/plan.ts";

const RUNS = "/var/lib/v4v-testbed/runs";
const BACKENDS = "/sys/bus/xen-backend/devices";
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** A dom0 in a folder, whose v4v-bench measures what the test says. */
export interface FakeDom0 {
  behaviour: Behaviour;
  /** Steps that were measured or left out, in order, over all sittings. */
  ids: number[];
  /** How often it was started. */
  sittings: number;
  /** Lets `v4v-bench` wait before the step with that index, as long as it is set. */
  holdAt: number | undefined;
  /** How long it waits at a closed gate until it gives up, ms. */
  gateWait: number;
  /** How often it gave up. */
  gaveUp: number;
  /** What gpu-drive measures. */
  gpuSamples: string;
  /** How it ends. */
  gpuStatus: string;
  /** Plans that gpu-drive was started with. */
  gpuPlans: string[];
  /** Starts anew: what ran is gone, its files are not. With a number it is that boot once more, as of a frozen machine. */
  reboot: (boot?: number) => void;
  /** Ends what is running. */
  stop: () => void;
}

/**
 * Commands over SSH run here with dom0's folders in `folder`; the one that starts the unit starts a stand-in for
 * `v4v-bench drive` instead, which takes a gate as the real one does, and whose steps take 100 ms by its own clock.
 */
export function fakeDom0(folder: string, plan: () => Plan, measure: Measure): FakeDom0 {
  const devices = join(folder, "devices");
  for (const domid of [1, 2]) mkdirSync(join(devices, `vif-${domid}-0`), { recursive: true });
  let boots = 0;
  const running = new Set<string>();
  const boot = (number = boots + 1): void => {
    boots += 1;
    running.clear();
    writeFileSync(join(folder, "boot_id"), `00000000-0000-0000-0000-00000000000${number}\n`);
  };
  boot();
  let stopped = false;

  async function drive(run: string, gated: boolean): Promise<void> {
    const at = (name: string) => join(run, name);
    const booted = boots;
    rmSync(at("status"), { force: true });
    const samples = at("samples.jsonl");
    if (!existsSync(samples)) writeFileSync(samples, startLine(readFileSync(at("plan"), "utf8")));
    let done = readFileSync(samples, "utf8").split('"type":"step"').length - 1;
    let tMs = 0;
    const { steps } = plan();
    let closedSince: number | undefined;
    const ends = (status: string): void => {
      running.delete(run);
      writeFileSync(at("log"), `${status}\n`);
      writeFileSync(at("status"), `${status}\n`);
    };
    while (done < steps.length) {
      if (stopped || boots !== booted) return;
      const gate = gated
        ? parseGate(readFileSync(at("gate"), "utf8"))
        : { until: steps.length, skip: new Set<number>() };
      const id = steps[done]?.id ?? 0;
      if (gate.until <= done || dom0.holdAt === done) {
        closedSince ??= Date.now();
        if (gate.until <= done && Date.now() - closedSince > dom0.gateWait) {
          dom0.gaveUp += 1;
          ends("exited 1");
          return;
        }
        await sleep(5);
        continue;
      }
      closedSince = undefined;
      if (!gate.skip.has(id)) tMs += 100;
      appendFileSync(samples, stepLines(plan(), done, gate, tMs, measure));
      dom0.ids.push(id);
      done++;
    }
    appendFileSync(samples, endLine());
    ends("exited 0");
  }

  const runOf = (command: string): string => /sh -eu -s -- '?([^' ]+)/.exec(command)?.[1] ?? "";

  function start(command: string, script: string): void {
    const run = runOf(command);
    if (running.has(run)) return;
    running.add(run);
    dom0.sittings += 1;
    void drive(run, command.includes("--gate") && script.includes("drive"));
  }

  function driveGpu(command: string): void {
    const run = runOf(command);
    dom0.gpuPlans.push(readFileSync(join(run, "gpu-plan"), "utf8"));
    writeFileSync(join(run, "gpu.jsonl"), dom0.gpuSamples);
    writeFileSync(join(run, "gpu-log"), "");
    writeFileSync(join(run, "gpu-status"), `${dom0.gpuStatus}\n`);
  }

  const inFolder = (text: string): string =>
    text
      .replaceAll(RUNS, join(folder, "runs"))
      .replaceAll(BACKENDS, devices)
      .replaceAll(BOOT_ID, join(folder, "boot_id"));

  const dom0: FakeDom0 = {
    ids: [],
    sittings: 0,
    holdAt: undefined,
    gateWait: 20_000,
    gaveUp: 0,
    gpuSamples: "",
    gpuStatus: "exited 0",
    gpuPlans: [],
    reboot: boot,
    stop: () => {
      stopped = true;
    },
    behaviour: (channel, _client, command) => {
      const script: Buffer[] = [];
      channel.on("data", (chunk: Buffer) => script.push(chunk));
      channel.once("end", () => {
        const text = inFolder(Buffer.concat(script).toString());
        const here = inFolder(command);
        if (!text.includes("systemd-run")) {
          shell(channel, here, text);
          return;
        }
        if (text.includes("gpu-plan")) driveGpu(here);
        else start(here, text);
        channel.exit(0);
        channel.end();
      });
      return "handled";
    },
  };
  return dom0;
}

function shell(channel: ServerChannel, command: string, script: string): void {
  const child = spawn("/bin/sh", ["-c", command]);
  child.stdin.on("error", () => undefined);
  child.stdin.end(script);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.on("close", (code) => {
    channel.exit(code ?? 1);
    channel.end();
  });
}
