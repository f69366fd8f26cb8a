import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { FILES } from "../../../../provider/qemu/arguments.ts";
import { prepareDisk, startMachine } from "../../../../provider/qemu/machine.ts";
import { unprivileged } from "../../../../provider/qemu/privileges.ts";
import { useFolder } from "../../helpers/folder.ts";
import { standIns } from "../../helpers/programs.ts";

const folder = useFolder();
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Whether this computer lets these tests take capabilities away: nobody but root may, and not in every container. */
const ABLE =
  process.getuid?.() === 0 &&
  spawnSync("sh", ["-c", "setpriv --bounding-set=-all grep -q 'CapBnd:.0*$' /proc/self/status"])
    .status === 0;

/** A folder as startMachine finds it. */
async function prepared(): Promise<string> {
  mkdirSync(folder("run"));
  writeFileSync(folder("image"), Buffer.alloc(1 << 20));
  writeFileSync(folder("variables"), "");
  await prepareDisk(folder("run"), { path: folder("image"), format: "raw" }, folder("variables"));
  return folder("run");
}

describe("QEMU's command line", () => {
  test("is left alone for a user who has nothing to lose", () => {
    expect(unprivileged(["qemu", "-m", "1"], "/nonexistent", 1000)).toEqual(["qemu", "-m", "1"]);
  });

  test("is left alone where the disk cannot be read without privileges, or not at all", () => {
    expect(unprivileged(["qemu"], folder(), 0)).toEqual(["qemu"]);
  });

  test("of root goes through setpriv where that works, whole and in order", async () => {
    const line = unprivileged(["qemu", "-name", "a b", "--", ""], await prepared(), 0);
    expect(line[0]).toBe(ABLE ? "setpriv" : "qemu");
    expect(line.slice(-5)).toEqual(["qemu", "-name", "a b", "--", ""]);
  });
});

test("QEMU has no capability and gets none back, its descriptors and its folder are as they were", async () => {
  const run = await prepared();
  const script =
    'cat /proc/$$/status >status; pwd -P >place; cat <&3 >state; printf "%s\\n" "$@" >words; exit 3';
  const programs = standIns(folder("programs"), { "qemu-system-x86_64": script });
  vi.stubEnv("PATH", [programs, process.env.PATH ?? ""].join(delimiter));
  writeFileSync(folder("frozen"), "what a machine was");
  const machine = {
    marker: "v4v-testbed-unit-privileges",
    accelerator: "tcg" as const,
    cpus: 1,
    memoryMiB: 128,
    sshPort: 1,
    firmwareCode: "/firmware",
  };
  await expect(startMachine(run, machine, folder("frozen"))).rejects.toThrow(
    "QEMU ended with code 3",
  );
  const status = readFileSync(folder("run/status"), "utf8");
  const of = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1];
  if (ABLE)
    expect(["CapPrm", "CapEff", "CapBnd", "NoNewPrivs"].map(of)).toEqual([
      ...Array.from({ length: 3 }, () => "0".repeat(16)),
      "1",
    ]);
  expect(of("Uid")).toBe(String(process.getuid?.()));
  expect(readFileSync(folder("run/place"), "utf8")).toBe(`${run}\n`);
  expect(readFileSync(folder("run/state"), "utf8")).toBe("what a machine was");
  const words = readFileSync(folder("run/words"), "utf8");
  expect(words).toContain("type=11,value=v4v-testbed-unit-privileges");
  expect(words.trimEnd().endsWith("-incoming\nfd:3")).toBe(true);
  expect(execFileSync("qemu-img", ["info", FILES.disk], { cwd: run, encoding: "utf8" })).toContain(
    "backing file",
  );
});
