import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { readLedger } from "../../../../provider/host/ledger.ts";
import { chooseFreePort, portIsFree } from "../../../../provider/host/ports.ts";
import { isRunning } from "../../../../provider/host/processes.ts";
import { chooseAccelerator } from "../../../../provider/qemu/accelerator.ts";
import { FILES, type MachineSpec } from "../../../../provider/qemu/arguments.ts";
import { findFirmware } from "../../../../provider/qemu/firmware.ts";
import {
  killMachine,
  machineProcesses,
  prepareDisk,
  startMachine,
} from "../../../../provider/qemu/machine.ts";
import { Monitor } from "../../../../provider/qemu/monitor.ts";
import { eventually } from "../../helpers/eventually.ts";
import { useFolder } from "../../helpers/folder.ts";

const folder = useFolder();
const marker = `v4v-testbed-unit-${process.pid}`;

afterEach(() => {
  for (const { pid } of machineProcesses(marker)) process.kill(pid, "SIGKILL");
});

/** A real QEMU of the project's own arguments, small, whose disk holds nothing to boot. */
async function small(): Promise<MachineSpec> {
  const firmware = findFirmware();
  if (firmware === undefined) throw new Error("OVMF is not installed; scripts/test installs it");
  writeFileSync(folder("image"), Buffer.alloc(1 << 20));
  await prepareDisk(folder(), { path: folder("image"), format: "raw" }, firmware.variables);
  return {
    marker,
    accelerator: "tcg",
    cpus: 1,
    memoryMiB: 128,
    sshPort: await chooseFreePort(),
    firmwareCode: firmware.code,
  };
}

describe("the disk", () => {
  test("lies over the image, which stays as it is, and is not made anew", async () => {
    await small();
    const disk = readFileSync(folder(FILES.disk));
    expect(disk.subarray(0, 4).toString("latin1")).toBe("QFI\xfb");
    expect(disk.length).toBeLessThan(1 << 20);
    writeFileSync(folder(FILES.disk), "something of the guest's");
    writeFileSync(folder(FILES.firmwareVariables), "its settings");
    await small();
    expect(readFileSync(folder(FILES.disk), "utf8")).toBe("something of the guest's");
    expect(readFileSync(folder(FILES.firmwareVariables), "utf8")).toBe("its settings");
  });

  test("half made by a killed run is made whole", async () => {
    copyFileSync("/dev/null", folder(`${FILES.disk}.new`));
    await small();
    expect(existsSync(folder(FILES.disk))).toBe(true);
    expect(existsSync(folder(`${FILES.disk}.new`))).toBe(false);
  });
});

describe("the machine", () => {
  test("runs, is written down before and after, is found by its name alone, and ends when told", async () => {
    const spec = await small();
    const identity = await startMachine(folder(), spec);
    expect(isRunning(identity)).toBe(true);
    expect(machineProcesses(marker)).toEqual([identity]);
    expect(readLedger(folder())).toMatchObject([
      { kind: "process-intended", marker },
      { kind: "process", marker, ...identity },
    ]);
    expect(await portIsFree(spec.sshPort)).toBe(false);
    const monitor = await Monitor.connect(folder(FILES.monitor));
    expect(await monitor.execute("query-status")).toMatchObject({ running: true });
    monitor.close();
    await killMachine(folder(), identity);
    expect(isRunning(identity)).toBe(false);
    expect(await portIsFree(spec.sshPort)).toBe(true);
  });

  test("is ended also without its monitor, and twice", async () => {
    const identity = await startMachine(folder(), await small());
    process.kill(identity.pid, "SIGSTOP");
    await killMachine("/nonexistent", identity);
    expect(isRunning(identity)).toBe(false);
    await killMachine(folder(), identity);
  });

  test("that cannot start says why, in QEMU's words", async () => {
    const spec = await small();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(spec.sshPort, "127.0.0.1", resolve));
    try {
      await expect(startMachine(folder(), spec)).rejects.toThrow(
        /QEMU ended with code 1: .*hostfwd|forwarding/s,
      );
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    await eventually("no process", () => machineProcesses(marker).length === 0);
  });
});

describe("the accelerator", () => {
  test("that is asked for is taken without a trial where that is TCG", async () => {
    expect(await chooseAccelerator("tcg")).toEqual({ accelerator: "tcg", reason: "asked for" });
  });

  test("auto always finds one and says why; kvm says what is wrong, or works", async () => {
    const choice = await chooseAccelerator("auto");
    expect(choice.reason).not.toBe("");
    const kvm = chooseAccelerator("kvm");
    if (choice.accelerator === "kvm") expect((await kvm).accelerator).toBe("kvm");
    else
      await expect(kvm).rejects.toThrow(
        `machine.accelerator is kvm, but ${choice.reason.slice(0, 20)}`,
      );
  });
});
