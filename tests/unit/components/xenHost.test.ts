import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bridge } from "../../../components/network.ts";
import { xenConsole } from "../../../components/xenHost.ts";
import type { RemoteFile } from "../../../provider/resources/files.ts";
import type { Freeze } from "../../../provider/resources/machine.ts";
import { SCRIPTS } from "../../../provider/resources/pathProof.ts";
import { EXISTING, KEYS, PROJECT, testbedOf, SEVERAL } from "./world.ts";

const commandLine = async (given: Record<string, string>) => {
  const { engine } = await testbedOf(given);
  const { inputs } = engine.one("v4v:index:Hypervisor");
  // What boots and what is compared with `xl info` afterwards is one text.
  expect(inputs.bootEntry).toContain(
    `multiboot2 ${String(inputs.imagePath)} ${String(inputs.commandLine)}\n`,
  );
  return String(inputs.commandLine).split(" ");
};

test("Xen's command line follows the settings", async () => {
  expect(await commandLine({})).toEqual([
    "placeholder",
    "com1=115200,8n1",
    "console=com1",
    "dom0_mem=1024M,max:1024M",
    "dom0_max_vcpus=1",
    "v4v=1",
  ]);
  const other = { "xen.dom0MemoryMiB": "2048", "xen.dom0Vcpus": "2", "v4v.enabled": "false" };
  expect(await commandLine({ ...other, "xen.options": "loglvl=all sched=credit" })).toEqual([
    "placeholder",
    "com1=115200,8n1",
    "console=com1",
    "dom0_mem=2048M,max:2048M",
    "dom0_max_vcpus=2",
    "loglvl=all",
    "sched=credit",
  ]);
  // What a guest provokes is throttled in a debug build too, unless the user wants it otherwise: the last word counts.
  const debug = await commandLine({ "xen.debug": "true", "xen.options": "guest_loglvl=all" });
  expect(debug.slice(-3)).toEqual(["v4v=1", "guest_loglvl=none/all", "guest_loglvl=all"]);
  const silo = await commandLine({ "xen.xsm": "silo", "xen.options": "loglvl=all" });
  expect(silo.slice(-3)).toEqual(["v4v=1", "xsm=silo", "loglvl=all"]);
});

test("the hypervisor is the one that was built, in place after dom0's files, with a reboot's time", async () => {
  const { engine } = await testbedOf({ "machine.bootTimeout": "300" });
  const xen = engine.one("v4v:index:Hypervisor");
  expect(xen.inputs).toMatchObject({
    image: "/cache/hypervisor/xen.gz",
    buildId: "b001d",
    incarnation: "first start",
    bootTimeout: 300,
    consoleLog: "/console",
  });
  expect(xen.timeouts).toEqual({ create: "420s", update: "420s" });
  expect(engine.before(xen)).toContain("host-files");
  expect(engine.before(xen)).toContain("build-hypervisor");
});

test("dom0 gets its files, readable as far as they need to be, the login key for its owner alone", async () => {
  const { engine } = await testbedOf();
  const files = ["host-files", "host-key"].flatMap(
    (name) => engine.one("v4v:index:Files", name).inputs.files as RemoteFile[],
  );
  const byPath = new Map(files.map((file) => [file.path, file]));
  expect(byPath.size).toBe(files.length);
  expect(byPath.get("/etc/v4v-testbed/id_ed25519")).toEqual({
    path: "/etc/v4v-testbed/id_ed25519",
    mode: "600",
    content: KEYS.dom0PrivateKey,
  });
  for (const { path, mode, content = "" } of files) {
    expect(path).toMatch(/^\/(etc|usr\/local\/lib\/v4v-testbed)\//);
    expect(content, path).not.toBe("");
    expect(mode, path).toBe(
      path.endsWith("id_ed25519") ? "600" : content.startsWith("#!") ? "755" : "644",
    );
  }
  expect(byPath.get("/etc/systemd/network/20-v4v-bridge.network")?.content).toContain(
    `Address=${bridge.gateway}/${bridge.prefixLength}`,
  );
});

test("no file of dom0/ is forgotten", async () => {
  const { engine } = await testbedOf({ "remoteGpu.enabled": "true" });
  const files = ["host-files", "benchmark"].flatMap(
    (name) => engine.one("v4v:index:Files", name).inputs.files as RemoteFile[],
  );
  const plain = (await testbedOf()).engine;
  const { freeze } = plain.one("v4v:index:Machine").inputs as { freeze: Freeze };
  const ofHost = (await testbedOf(EXISTING)).engine.one("v4v:index:Files", "host-files").inputs
    .files as RemoteFile[];
  const ofSeveral = (await testbedOf(SEVERAL)).engine.one("v4v:index:Files", "host-link").inputs
    .files as RemoteFile[];
  const contents = new Set([
    ...[...files, ...ofHost, ...ofSeveral].map(({ content }) => content),
    freeze.awaitIdentity,
  ]);
  // An evaluation brings its own.
  const lasting = readdirSync(join(PROJECT, "dom0")).filter(
    (name) => !(SCRIPTS as readonly string[]).includes(name),
  );
  for (const name of lasting)
    expect(contents, name).toContain(readFileSync(join(PROJECT, "dom0", name), "utf8"));
});

test("dom0's kernel is asked by the official command resource, after the reboot and again after each other", async () => {
  const { engine } = await testbedOf();
  expect(
    (await testbedOf({ "evaluation.profile": "none" })).engine.of("command:remote:Command"),
  ).toEqual([]);
  const command = engine.one("command:remote:Command");
  expect(command.inputs).toMatchObject({ create: "uname -r", triggers: ["dom0 boot"] });
  expect(command.inputs.connection).toMatchObject({ hostKey: "ssh-ed25519 HOST", port: 20_022 });
  expect(engine.before(command)).toContain("host-xen");
  expect(engine.before(command)).toContain("domu1");
});

test("nothing on the emulated machine is removed by itself: it goes with the machine", async () => {
  const { engine } = await testbedOf({ vmCount: "3" });
  const machine = engine.one("v4v:index:Machine");
  const controller = ["Build", "RunFolder", "Machine", "Evaluation"].map(
    (name) => `v4v:index:${name}`,
  );
  const onHost = engine.registered.filter(
    ({ type }) => !type.startsWith("v4v:testbed:") && !controller.includes(type),
  );
  expect(onHost.map(({ name }) => name).sort()).toEqual([
    "benchmark",
    "domu1",
    "domu2",
    "domu3",
    "domus-image",
    "host-files",
    "host-kernel",
    "host-key",
    "host-xen",
    "module-dom0",
    "rules-table",
    "sockets-dom0",
  ]);
  for (const { name, deletedWith } of onHost) expect(deletedWith, name).toBe(machine.urn);
});

test("a frozen machine holds what the host is going to be told to have, and none of the keys", async () => {
  const { engine } = await testbedOf({ vmCount: "3", "v4v.ringKiB": "64" });
  const { freeze } = engine.one("v4v:index:Machine").inputs as { freeze: Freeze };
  const onHost = engine
    .of("v4v:index:Files")
    .filter(({ name }) => name !== "host-key")
    .flatMap(({ inputs }) => inputs.files as RemoteFile[]);
  for (const file of onHost) expect(freeze.programs).toContainEqual(file);
  const module = engine.one("v4v:index:Module").inputs;
  expect(freeze.programs).toContainEqual({ path: module.path, mode: "644", source: module.source });
  expect(freeze.programs).toContainEqual({
    path: `/etc/systemd/system/${String(module.unit)}`,
    mode: "644",
    content: module.unitFile,
  });
  expect(freeze.packages).toEqual(engine.one("v4v:index:Packages").inputs.packages);
  expect(freeze.units).toEqual([module.unit]);
  expect(freeze.payload).toEqual(engine.one("v4v:index:GuestImage").inputs.payload);
  expect(freeze.guests).toEqual(
    engine
      .of("v4v:index:Domain")
      .slice(0, 2)
      .map(({ inputs: { name, config, environment } }) => ({ name, config, environment })),
  );
  for (const key of Object.values(KEYS)) expect(JSON.stringify(freeze)).not.toContain(key);
});

test.each([
  ["root=UUID=12ab ro quiet", ["console=vga"]],
  ["console=tty0 ro", ["console=vga"]],
  ["console=ttyS0 ro", ["com1=115200,8n1", "console=com1"]],
  ["ro console=ttyS1,57600n8", ["com2=57600,8n1", "console=com2"]],
  ["console=tty0 console=ttyS0,9600", ["com1=9600,8n1", "console=com1,vga"]],
  ["console=tty console=ttyS0", ["com1=115200,8n1", "console=com1,vga"]],
])("Xen's console is where the host's own kernel has it: %s", (own, console) => {
  expect(xenConsole(own)).toEqual(console);
});
