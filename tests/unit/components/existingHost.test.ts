import { describe, expect, test } from "vitest";
import { connectionTo } from "../../../components/existingHost.ts";
import { HOST_STATE } from "../../../components/host.ts";
import type { RemoteFile } from "../../../provider/resources/files.ts";
import { resources } from "../../../provider/registry.ts";
import { plainTexts } from "../helpers/pulumiMocks.ts";
import { EXISTING, KEYS, settingsOf, testbedOf } from "./world.ts";

const ON_HOST = ["Files", "Packages", "Hypervisor", "Module", "Rules", "GuestImage", "Domain"].map(
  (name) => `v4v:index:${name}`,
);

test("everything from the hypervisor on is made of the same resources as on the emulated machine", async () => {
  const there = (await testbedOf(EXISTING)).engine;
  const here = (await testbedOf()).engine;
  const made = (engine: typeof here) =>
    engine.registered
      .filter(({ type }) => ON_HOST.includes(type))
      .map(({ type, name }) => `${type} ${name}`)
      .sort();
  expect(made(there)).toEqual(made(here));
  expect(there.of("v4v:index:Machine")).toEqual([]);
  expect(there.of("v4v:index:Build").map(({ name }) => name)).not.toContain("build-host-image");
});

test("each is accepted by its provider, in a preview as well", async () => {
  for (const preview of [false, true]) {
    const { engine } = await testbedOf(EXISTING, preview);
    for (const { type, name, inputs } of engine.registered) {
      const checked = await resources.get(type)?.check?.(inputs as never, undefined);
      expect(checked?.failures ?? [], name).toEqual([]);
    }
  }
});

test("nothing on the host waits for its end to be removed, and the host goes last", async () => {
  const { engine } = await testbedOf(EXISTING);
  const onHost = engine.registered.filter(({ type }) => ON_HOST.includes(type));
  for (const one of onHost) {
    expect(one.deletedWith, one.name).toBe("");
    expect(engine.before(one), one.name).toContain("machine-host");
  }
});

test("what is put there after the reboot is removed before the next one", async () => {
  const { engine } = await testbedOf(EXISTING);
  for (const one of [...engine.of("v4v:index:Files"), ...engine.of("v4v:index:Packages")])
    if (!["host-files", "host-key"].includes(one.name))
      expect(engine.before(one), one.name).toContain("host-xen");
});

test("a module that is compiled there is, with what apt installs for it, before the reboot", async () => {
  const { engine } = await testbedOf(EXISTING);
  expect(engine.before(engine.one("v4v:index:Hypervisor"))).toContain("module-build");
});

test("files keep what was there before, and end what they have started before they go", async () => {
  const { engine } = await testbedOf(EXISTING);
  for (const { name, inputs } of engine.of("v4v:index:Files"))
    expect(inputs.originals, name).toBe(`${HOST_STATE}/originals`);
  expect(engine.one("v4v:index:Files", "host-files").inputs.undo).toContain("v4v-bridge.service");
  const emulated = (await testbedOf()).engine;
  for (const { inputs } of emulated.of("v4v:index:Files")) {
    expect(inputs).not.toHaveProperty("originals");
    expect(inputs).not.toHaveProperty("undo");
  }
});

test("the bridge has a name of its own and needs no networkd", async () => {
  const { engine } = await testbedOf(EXISTING);
  const files = engine.one("v4v:index:Files", "host-files").inputs.files as RemoteFile[];
  expect(files.filter(({ path }) => path.startsWith("/etc/systemd/network"))).toEqual([]);
  expect(engine.one("v4v:index:Domain", "domu1").inputs.config).toContain("bridge=v4vbr0");
});

test.each([
  // The device decides, and that is known under Xen only.
  ["auto", true],
  ["hvm", true],
  ["pv", false],
])("a GPU domU of type %s: pciutils, and a device model: %s", async (type, hvm) => {
  const { engine } = await testbedOf({
    ...EXISTING,
    "gpu.device": "0000:01:00.0",
    "gpu.type": type,
  });
  const { packages, needs } = engine.one("v4v:index:Host").inputs;
  expect(packages).toContain("pciutils");
  expect((packages as string[]).includes("qemu-system-xen")).toBe(hvm);
  expect(needs).toMatchObject({
    gpu: true,
    memoryMiB: 192 + 1024 + 2 * 200 + 1024 + 8 + (hvm ? 24 : 0),
  });
  const none = (await testbedOf(EXISTING)).engine.one("v4v:index:Host").inputs.packages;
  expect(none).not.toContain("qemu-system-xen");
});

describe("the login", () => {
  const [host] = settingsOf(EXISTING).hosts;
  if (host === undefined) throw new Error("no host");

  test("is by a file of the user's or by the agent, as root by sudo, and without its comment", () => {
    expect(connectionTo(host)).toEqual({
      host: "rack1.example",
      port: 22,
      user: "admin",
      hostKey: `ssh-ed25519 ${"A".repeat(68)}`,
      keyFile: "/keys/rack",
      sudo: true,
    });
    const { jump, ...rest } = connectionTo({ ...host, user: "root", keyFile: "", jump: host }) as {
      jump?: unknown;
    } & ReturnType<typeof connectionTo>;
    expect(jump).toBeUndefined();
    expect(rest).not.toHaveProperty("sudo");
    expect(rest).not.toHaveProperty("keyFile");
    expect(rest.via).toMatchObject({ user: "admin", keyFile: "/keys/rack" });
    expect(rest.via).not.toHaveProperty("sudo");
  });

  test("to the domUs is by the stack's own key, which is a secret", async () => {
    const { engine } = await testbedOf(EXISTING);
    const { inputs, wire } = engine.one("v4v:index:Domain", "domu1");
    expect(inputs.loginKey).toBe(KEYS.privateKey);
    expect(plainTexts(wire).join("\n")).not.toContain("PRIVATE");
    expect((await testbedOf()).engine.one("v4v:index:Domain", "domu1").inputs).not.toHaveProperty(
      "loginKey",
    );
  });
});

describe("the hypervisor", () => {
  test("is tried once, by an entry of the kernel that the host itself has booted", async () => {
    const { inputs, timeouts } = (await testbedOf(EXISTING)).engine.one("v4v:index:Hypervisor");
    expect(inputs).toMatchObject({ trial: true, imagePath: "/boot/v4v-testbed/xen.gz" });
    expect(inputs).not.toHaveProperty("consoleLog");
    expect(inputs.bootEntry).toContain(
      "module2 /boot/vmlinuz-6.12.9-amd64 placeholder root=UUID=12ab ro quiet panic=20 v4v_testbed\n",
    );
    expect(inputs.bootEntry).not.toContain("set default");
    expect(String(inputs.commandLine).split(" ").slice(0, 2)).toEqual([
      "placeholder",
      "console=vga",
    ]);
    expect(timeouts.create).toBe("1320s");
  });
});

test("the host is asked for the memory of everything that runs on it", async () => {
  const { engine } = await testbedOf({ ...EXISTING, vmCount: "4" });
  expect(engine.one("v4v:index:Host").inputs).toMatchObject({
    connection: { host: "rack1.example", sudo: true },
    needs: { memoryMiB: 192 + 1024 + 4 * 200, guests: ["domu1", "domu2", "domu3", "domu4"] },
  });
});

test("a report says nothing of where the host is", async () => {
  const { engine } = await testbedOf(EXISTING);
  const { facts } = engine.one("v4v:index:Evaluation").inputs;
  expect(facts).toMatchObject({
    accelerator: { kind: "none" },
    machine: { cpuModel: "a CPU", cores: 8 },
    versions: { kernel: "6.12.9-amd64" },
  });
  expect(JSON.stringify(facts)).not.toMatch(/rack1|ssh-ed25519|\/keys/);
});
