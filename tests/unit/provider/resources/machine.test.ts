import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { chooseFreePort } from "../../../../provider/host/ports.ts";
import { identify, isRunning } from "../../../../provider/host/processes.ts";
import { FILES } from "../../../../provider/qemu/arguments.ts";
import { findFirmware } from "../../../../provider/qemu/firmware.ts";
import { machineProcesses, prepareDisk, startMachine } from "../../../../provider/qemu/machine.ts";
import { Monitor } from "../../../../provider/qemu/monitor.ts";
import { Refused, type Prior, type Properties } from "../../../../provider/resource.ts";
import { machineResource as machine } from "../../../../provider/resources/machine.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { useChildren } from "../../helpers/child.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
const start = useChildren();
afterEach(hangUpAll);
afterEach(() => {
  for (const { pid } of machineProcesses(marker)) process.kill(pid, "SIGKILL");
});

const marker = `v4v-testbed-unit-${process.pid}-resource`;
const prior = (
  inputs: Properties,
  outputs: Properties = { state: "running", emulator: "QEMU" },
): Prior => ({
  id: marker,
  inputs,
  outputs,
});

async function inputsFor(parts: Properties = {}): Promise<Properties> {
  const { connection } = await farSide();
  return {
    folder: folder(),
    marker,
    image: folder("image"),
    memoryMiB: 512,
    cpus: 1,
    accelerator: "tcg",
    connection: { ...connection },
    hostPrivateKey: "k",
    authorizedKeys: "a",
    silence: 60,
    ...parts,
  };
}

/** A process of this name in QEMU's place: all that is looked at is its arguments. */
const standIn = () => start("sleep", ["60"], { argv0: `type=11,value=${marker}` });

describe("read", () => {
  const read = async (inputs: Properties) => machine.read(recordedContext(), prior(inputs));

  test("without a disk there is no machine", async () => {
    expect(await read(await inputsFor())).toBeUndefined();
  });

  test("with a disk and no process it is stopped, which is to be mended", async () => {
    writeFileSync(folder(FILES.disk), "");
    const inputs = await inputsFor();
    const { outputs = {} } = (await read(inputs)) ?? {};
    expect(outputs).toEqual({ state: "stopped", emulator: "QEMU" });
    expect(machine.diff?.(prior(inputs, outputs), inputs)).toEqual({ changed: ["state"] });
  });

  test("with a process whose SSH answers it runs, and each start is another incarnation", async () => {
    writeFileSync(folder(FILES.disk), "");
    const inputs = await inputsFor();
    const seen: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      const child = await standIn();
      const { outputs = {} } = (await read(inputs)) ?? {};
      expect(outputs.state).toBe("running");
      expect(machine.diff?.(prior(inputs, outputs), inputs)).toEqual({});
      seen.push(outputs.incarnation);
      const exited = new Promise((resolve) => child.once("exit", resolve));
      process.kill(-child.pid, "SIGKILL");
      await exited;
    }
    expect(new Set(seen).size).toBe(2);
  });

  test("with a process whose SSH does not answer it is silent", async () => {
    writeFileSync(folder(FILES.disk), "");
    const given = await inputsFor();
    // Last, so that nobody else gets its port.
    const far = await farSide();
    await far.stop();
    const inputs = { ...given, connection: { ...far.connection } };
    await standIn();
    expect((await read(inputs))?.outputs.state).toBe("silent");
  });

  test("somebody else's SSH at its port is an error", async () => {
    writeFileSync(folder(FILES.disk), "");
    const [one, other] = [await farSide(), await farSide()];
    const connection = { ...one.connection, hostKey: other.connection.hostKey };
    await standIn();
    await expect(read(await inputsFor({ connection }))).rejects.toThrow(
      "presents another host key",
    );
  });
});

describe("what is refused before anything starts", () => {
  const refusal = async (inputs: Properties): Promise<Error> => {
    const error: unknown = await machine
      .ensure(recordedContext(), inputs, undefined)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Refused);
    return error as Error;
  };

  test("more memory than there is", async () => {
    const { message } = await refusal(await inputsFor({ memoryMiB: 2 ** 30 }));
    expect(message).toMatch(
      /^too little memory: the machine wants 1073741824 MiB, \d+ MiB are available; lower/,
    );
  });

  test("a port that another program has", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const inputs = await inputsFor({ memoryMiB: 1 });
    const { message } = await refusal({
      ...inputs,
      connection: { ...(inputs.connection as Properties), port },
    });
    await new Promise((resolve) => server.close(resolve));
    expect(message).toContain(`port ${port} of loopback`);
  });
});

test("a running machine that answers is adopted, not started again", async () => {
  const { pid } = await standIn();
  const outputs = await machine.ensure(recordedContext(), await inputsFor(), undefined);
  expect(outputs).toMatchObject({ state: "running", acceleratorUsed: "tcg" });
  expect(outputs.incarnation).toContain(`:${pid}:`);
});

test("a running machine that listens at the stack's old port is stopped, to be started at the new one", async () => {
  const { pid } = await standIn();
  const identity = identify(pid);
  // In the place of the guest's systemctl: nothing here may power this computer off.
  const programs = standIns(folder("bin"), { systemctl: `kill -9 -${pid}`, sync: "" });
  const old = await farSide({ programs });
  const inputs = await inputsFor({ memoryMiB: 2 ** 30 });
  // Last, so that nobody else gets its port.
  const elsewhere = await farSide();
  await elsewhere.stop();
  const before = prior({ ...inputs, connection: { ...old.connection } });
  const moved = { ...inputs, connection: { ...old.connection, port: elsewhere.connection.port } };
  // With this much memory it is not started again here.
  await expect(machine.ensure(recordedContext(5), moved, before)).rejects.toThrow();
  expect(identity !== undefined && isRunning(identity)).toBe(false);
});

test("a running machine that hangs is switched off after its time, with a warning, to be switched on", async () => {
  const { pid } = await standIn();
  const identity = identify(pid);
  const far = await farSide();
  await far.stop();
  writeFileSync(folder(FILES.console), "its last words\n");
  // With this much memory it is not started again here.
  const connection = { ...far.connection };
  const inputs = await inputsFor({ connection, silence: 1, memoryMiB: 2 ** 30 });
  const context = recordedContext(30);
  await expect(machine.ensure(context, inputs, undefined)).rejects.toThrow("too little memory");
  expect(identity !== undefined && isRunning(identity)).toBe(false);
  expect(context.warnings.join()).toMatch(/has not answered for 1 s.*its last words/s);
});

describe("a machine with nothing to boot, which never answers", () => {
  const silent = async (before: boolean) => {
    const far = await farSide();
    await far.stop();
    writeFileSync(folder("image"), Buffer.alloc(1 << 20));
    const connection = { ...far.connection };
    const inputs = await inputsFor({ connection, silence: 1, memoryMiB: 64 });
    const context = recordedContext(10);
    const made = machine.ensure(context, inputs, before ? prior(inputs) : undefined);
    await expect(made).rejects.toThrow("does not answer");
    return context.warnings.join();
  };

  test("is switched off and on once if it came up before", async () => {
    expect((await silent(true)).match(/switched off and on/g)).toHaveLength(1);
  });

  test("has all of its time if it is new", async () => {
    expect(await silent(false)).toBe("");
  });
});

test("one that stands still, as an up leaves it that is killed while it resumes it, goes on", async () => {
  const firmware = findFirmware();
  if (firmware === undefined) throw new Error("OVMF is not installed; scripts/test installs it");
  writeFileSync(folder("image"), Buffer.alloc(1 << 20));
  await prepareDisk(folder(), { path: folder("image"), format: "raw" }, firmware.variables);
  const hardware = {
    accelerator: "tcg" as const,
    cpus: 1,
    memoryMiB: 64,
    firmwareCode: firmware.code,
  };
  await startMachine(folder(), { ...hardware, marker, sshPort: await chooseFreePort() });
  const monitor = await Monitor.connect(folder(FILES.monitor));
  await monitor.execute("stop");
  monitor.close();

  await machine.ensure(recordedContext(), await inputsFor(), undefined);
  const after = await Monitor.connect(folder(FILES.monitor));
  expect(await after.execute("query-status")).toMatchObject({ status: "running" });
  after.close();
});

test("of two machines of one name, which a killed run may leave, one is ended", async () => {
  const [one, two] = [await standIn(), await standIn()];
  const identities = [identify(one.pid), identify(two.pid)];
  await machine.ensure(recordedContext(), await inputsFor(), undefined);
  expect(
    identities.filter((identity) => identity !== undefined && isRunning(identity)),
  ).toHaveLength(1);
});

test("delete ends it, wherever it came from, and bears that it is gone", async () => {
  const { pid } = await standIn();
  const identity = identify(pid);
  const inputs = await inputsFor();
  await machine.delete(recordedContext(), prior(inputs));
  expect(identity !== undefined && isRunning(identity)).toBe(false);
  await machine.delete(recordedContext(), prior(inputs));
});

test("another image, name or folder is another machine; more memory is the same one", () => {
  expect(machine.replaceOn).toEqual(["folder", "marker", "image"]);
  expect(machine.id({ marker })).toBe(marker);
});
