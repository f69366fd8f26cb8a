import { execFile } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";

export interface AcceleratorChoice {
  accelerator: "tcg" | "kvm";
  /** Why, in a few words, for `doctor` and the report. */
  reason: string;
}

/** How long the trial machine runs, s. */
const TRIAL_S = 5;

function cpuHasVirtualisation(): boolean {
  return /^flags\s*:.*\b(svm|vmx)\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));
}

/** Starts an empty machine under KVM and asks whether its CPU runs: /dev/kvm can open where no guest ever does. */
function kvmTrial(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const args = [
      "-accel",
      "kvm",
      "-machine",
      "q35",
      "-cpu",
      "host",
      "-m",
      "64M",
      "-nodefaults",
      "-display",
      "none",
      "-qmp",
      "stdio",
    ];
    const child = execFile(
      "qemu-system-x86_64",
      args,
      { timeout: TRIAL_S * 1000 },
      (error, stdout, stderr) => {
        if (stdout.includes('"running": true') && stdout.includes('"kvm"')) resolve(undefined);
        else
          resolve(
            stderr.trim().split("\n").at(-1) ?? error?.message ?? "the trial machine did not run",
          );
      },
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.write('{"execute":"qmp_capabilities"}\n{"execute":"query-kvm","id":"kvm"}\n');
    setTimeout(
      () => child.stdin?.end('{"execute":"query-status","id":"kvm-status"}\n{"execute":"quit"}\n'),
      1000,
    );
  });
}

/**
 * The accelerator to use.
 *
 * @throws Error if KVM is asked for and does not work
 */
export async function chooseAccelerator(wish: "auto" | "tcg" | "kvm"): Promise<AcceleratorChoice> {
  if (wish === "tcg") return { accelerator: "tcg", reason: "asked for" };
  const problem = await kvmProblem();
  if (problem === undefined) return { accelerator: "kvm", reason: "a trial machine ran under KVM" };
  if (wish === "kvm")
    throw new Error(`machine.accelerator is kvm, but ${problem}; use auto or tcg`);
  return { accelerator: "tcg", reason: problem };
}

async function kvmProblem(): Promise<string | undefined> {
  if (!cpuHasVirtualisation()) return "this computer's CPU shows neither svm nor vmx";
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch {
    return "/dev/kvm cannot be opened by this user";
  }
  const failure = await kvmTrial();
  return failure === undefined ? undefined : `a trial machine failed under KVM: ${failure}`;
}
