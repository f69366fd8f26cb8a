import { expect, test } from "vitest";
import { Machine } from "../../../components/machine.ts";
import { Engine, valueOf } from "../helpers/pulumiMocks.ts";
import { FOLDER, KEYS, outputs, settingsOf } from "./world.ts";

/** The hypervisor that the machine is going to run. */
const boot = {
  image: "/cache/xen.gz",
  buildId: "b001d",
  bootEntry: "entry",
  imagePath: "/boot/xen.gz",
  commandLine: "placeholder",
};

const freeze = {
  boot,
  root: {
    folder: "/var/lib/guests",
    image: "/cache/root.zst",
    imageSha256: "5d",
    makeInitrd: "/usr/local/lib/make",
    makeInitrdSha256: "5e",
  },
  files: [{ path: "/usr/local/lib/make", mode: "755", content: "#!/bin/sh" }],
  programs: [{ path: "/usr/local/bin/tool", mode: "755", source: "/cache/tool" }],
  packages: [{ name: "tool", source: "/cache/tool.deb", build: "5f" }],
  payload: [],
  units: ["some.service"],
  guests: [{ name: "domu1", config: "memory = 128", environment: "DOMU_NAME=domu1" }],
  awaitIdentity: "#!/bin/sh",
};

const machine = (given: Record<string, string> = {}, preview = false, gpu = false) =>
  Engine.run(
    () =>
      new Machine("machine", {
        folder: FOLDER,
        image: "/cache/disk.img",
        gpu,
        settings: settingsOf({ "machine.freeze": "false", ...given }).machine,
        freeze,
      }),
    { outputs, preview },
  );

const connection = {
  host: "127.0.0.1",
  port: 20_022,
  user: "root",
  privateKey: KEYS.privateKey,
  hostKey: "ssh-ed25519 HOST",
};

test("the folder comes first and gives the machine keys, port and name", async () => {
  const { engine } = await machine({ "machine.sshPort": "2222", "machine.cpus": "3" });
  const folder = engine.one("v4v:index:RunFolder");
  expect(folder.inputs).toEqual({ path: FOLDER, sshPort: 2222 });
  const qemu = engine.one("v4v:index:Machine");
  expect(qemu.inputs).toEqual({
    folder: FOLDER,
    marker: "v4v-testbed-0123",
    image: "/cache/disk.img",
    memoryMiB: 6144,
    cpus: 3,
    accelerator: "auto",
    connection,
    hostPrivateKey: KEYS.hostPrivateKey,
    authorizedKeys: "ssh-ed25519 LOGIN",
    silence: 300,
  });
  expect(engine.before(qemu)).toEqual(new Set([folder.name]));
});

test("how long a boot may take is the deadline, a shutdown on top for a change", async () => {
  const { engine } = await machine({ "machine.bootTimeout": "300" });
  expect(engine.one("v4v:index:Machine").timeouts).toEqual({ create: "300s", update: "420s" });
});

test("a machine that goes on from a frozen one knows what has to be in it, and gets longer", async () => {
  const { engine } = await machine({ "machine.freeze": "true", "machine.bootTimeout": "300" });
  const { inputs, timeouts } = engine.one("v4v:index:Machine");
  expect(inputs.freeze).toEqual(freeze);
  expect(Number.parseInt(timeouts.create)).toBeGreaterThanOrEqual(600);
});

test("the connection is a secret as a whole", async () => {
  const { engine, result } = await machine();
  expect(await valueOf(result.connection)).toEqual(connection);
  expect(await (result.connection as unknown as { isSecret: Promise<boolean> }).isSecret).toBe(
    true,
  );
  expect(JSON.stringify(engine.one("v4v:index:RunFolder").wire)).not.toContain("PRIVATE");
});

test("what other components build on comes from the machine", async () => {
  const { result } = await machine();
  expect(await valueOf(result.incarnation)).toBe("first start");
  expect(await valueOf(result.consoleLog)).toBe("/console");
  expect(await valueOf(result.accelerator)).toBe("tcg");
  expect(await valueOf(result.emulator)).toBe("QEMU");
});

test("in a preview the connection is not known, and the machine is announced all the same", async () => {
  const { engine, result } = await machine({}, true);
  expect(await valueOf(result.connection)).toBeUndefined();
  expect(engine.one("v4v:index:Machine").inputs).toMatchObject({ cpus: 2, memoryMiB: 6144 });
});

test("a device to pass through is part of its hardware, and of no other machine's", async () => {
  const { engine } = await machine({}, false, true);
  expect(engine.one("v4v:index:Machine").inputs.gpu).toBe(true);
  const plain = await machine();
  expect(plain.engine.one("v4v:index:Machine").inputs).not.toHaveProperty("gpu");
});
