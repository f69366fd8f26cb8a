import { once } from "node:events";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  bootId,
  end,
  gone,
  identify,
  isRunning,
  processesWithArgument,
  type ProcessIdentity,
} from "../../../provider/host/processes.ts";
import { useChildren } from "../helpers/child.ts";
import { eventually } from "../helpers/eventually.ts";

const start = useChildren();

function identityOf(pid: number): ProcessIdentity {
  const identity = identify(pid);
  if (identity === undefined) throw new Error(`process ${pid} is not there`);
  return identity;
}

test("a running process is known by number, start and boot", async () => {
  const { pid } = await start("sleep", ["60"]);
  const identity = identityOf(pid);
  expect(identity).toEqual({
    pid,
    startTicks: expect.stringMatching(/^\d+$/) as string,
    bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
  });
  expect(identity.bootId).toBe(bootId());
  expect(isRunning(identity)).toBe(true);
  expect(identify(pid)).toEqual(identity);
});

test("a process whose name looks like its state line is read rightly", async () => {
  // comm is what the kernel puts between parentheses; this one holds some of its own.
  const { pid } = await start("sh", [
    "-c",
    "printf '%s' ') R 1 1 1' >/proc/self/comm; exec 3</proc/self/comm; while :; do sleep 1; done",
  ]);
  const named = () => readFileSync(`/proc/${pid}/stat`, "utf8").includes("() R 1 1 1)");
  await eventually("the name", named);
  const { startTicks } = identityOf(pid);
  const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  // Clock ticks are hundredths of a second on Linux: it started within the last minute.
  expect(Math.abs(uptime - Number(startTicks) / 100)).toBeLessThan(60);
});

test("another start or another boot is another process, even under the same number", async () => {
  const { pid } = await start("sleep", ["60"]);
  const identity = identityOf(pid);
  const reused = { ...identity, startTicks: String(Number(identity.startTicks) - 1) };
  const rebooted = { ...identity, bootId: "00000000-0000-0000-0000-000000000000" };
  expect(isRunning(reused)).toBe(false);
  expect(isRunning(rebooted)).toBe(false);
  // Neither is ended in its place.
  await end(reused, 1000);
  await end(rebooted, 1000);
  expect(isRunning(identity)).toBe(true);
});

test("an ended process is gone, and so is one that nobody has waited for", async () => {
  const child = await start("sleep", ["60"]);
  const identity = identityOf(child.pid);
  child.kill("SIGKILL");
  // Whether Node has collected it or not: a zombie does not run.
  await eventually("it is gone", () => !isRunning(identity));
  expect(identify(child.pid)).toBeUndefined();

  const parent = await start("sh", ["-c", "sleep 0 & exec sleep 60"]);
  const task = `/proc/${parent.pid}/task/${parent.pid}/children`;
  const zombie = () => Number(readFileSync(task, "utf8").trim().split(" ")[0]);
  await eventually(
    "a zombie",
    () => zombie() > 0 && /^State:\s+Z/m.test(readFileSync(`/proc/${zombie()}/status`, "utf8")),
  );
  expect(identify(zombie())).toBeUndefined();
});

test("numbers that no process has", () => {
  expect(identify(2 ** 22 + 1)).toBeUndefined();
  expect(identify(-1)).toBeUndefined();
});

test("ending asks first", async () => {
  const child = await start(
    "sh",
    ["-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  if (child.stdout !== null) await once(child.stdout, "data");
  const exit = once(child, "exit");
  await end(identityOf(child.pid), 5000);
  expect(await exit).toEqual([7, null]);
});

test("ending kills what does not listen, and only returns when it is gone", async () => {
  const child = await start(
    "sh",
    ["-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  if (child.stdout !== null) await once(child.stdout, "data");
  const identity = identityOf(child.pid);
  const exit = once(child, "exit");
  await end(identity, 200);
  expect(isRunning(identity)).toBe(false);
  expect(await exit).toEqual([null, "SIGKILL"]);
});

test("waiting for an end is bounded", async () => {
  const child = await start("sleep", ["60"]);
  const identity = identityOf(child.pid);
  expect(await gone(identity, 100)).toBe(false);
  setTimeout(() => child.kill("SIGKILL"), 100);
  expect(await gone(identity, 5000)).toBe(true);
});

test("processes are found by a part of an argument, this one left out", async () => {
  const marker = `v4v-unit-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const { pid } = await start("sh", ["-c", "sleep 60; :", "sh", `value=${marker},x`]);
  const other = await start("sh", ["-c", "sleep 60; :", "sh", "value=other"]);
  // Between fork and exec, the shell's sleep has the shell's arguments.
  await expect.poll(() => processesWithArgument(`value=${marker}`)).toEqual([pid]);
  expect(processesWithArgument("value=other")).toContain(other.pid);
  const own = process.argv[1] ?? "";
  expect(own).not.toBe("");
  expect(processesWithArgument(own)).not.toContain(process.pid);
});

test("two arguments do not make one", async () => {
  const marker = `v4v-unit-${process.pid}-split`;
  await start("sh", ["-c", "sleep 60; :", "sh", marker, "tail"]);
  await expect.poll(() => processesWithArgument(marker)).toHaveLength(1);
  expect(processesWithArgument(`${marker}\0tail`)).toEqual([]);
  expect(processesWithArgument(`${marker}tail`)).toEqual([]);
});
