import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { filesBelow } from "../../../components/remoteProducts.ts";
import type { GpuRoute } from "../../../evaluation/gpu/plan.ts";
import type { DomainInputs } from "../../../provider/resources/domain.ts";
import type { RemoteFile } from "../../../provider/resources/files.ts";
import { GPU_DRIVE } from "../../../provider/resources/gpuLegs.ts";
import { useFolder } from "../helpers/folder.ts";
import { DISPLAY, testbedOf } from "./world.ts";

test.each([{}, { "gpu.device": "auto" }, { "gpu.device": "none" }])(
  "with %j nothing is taken from dom0, and the machine is the plain one",
  async (given: Record<string, string>) => {
    const { engine, result } = await testbedOf(given);
    expect(result.gpuDomain).toBeUndefined();
    expect(engine.of("v4v:index:Passthrough")).toEqual([]);
    expect(engine.one("v4v:index:Machine").inputs).not.toHaveProperty("gpu");
    const recipes = engine.of("v4v:index:Build").map(({ inputs }) => inputs.recipe);
    expect(recipes.filter((recipe) => /gpu|pocl/.test(String(recipe)))).toEqual([]);
  },
);

const named = { "gpu.device": DISPLAY };
const remote = { "remoteGpu.enabled": "true" };

test.each([
  ["a named device", named, DISPLAY],
  ["the only one for remote execution", remote, "auto"],
])("%s is taken when Xen runs, on a machine that has one", async (_what, given, device) => {
  const { engine } = await testbedOf(given);
  const taken = engine.one("v4v:index:Passthrough");
  expect(taken.inputs).toMatchObject({
    dom0BootId: "dom0 boot",
    device,
    domain: "gpu",
    folder: "/var/lib/v4v-testbed/passthrough",
    sysfs: "/sys",
  });
  expect(engine.before(taken)).toContain("host-xen");
  expect(engine.one("v4v:index:Machine").inputs.gpu).toBe(true);
  expect(engine.one("v4v:index:Machine").inputs).not.toHaveProperty("freeze");
});

const gpuOf = async (given: Record<string, string>) => {
  const { engine } = await testbedOf(given);
  const domain = engine.of("v4v:index:Domain").find(({ name }) => name === "gpu");
  if (domain === undefined) throw new Error("there is no GPU domU");
  return { engine, domain, inputs: domain.inputs as unknown as DomainInputs };
};

/** Contents by path of what lies on top of an image. */
async function payloadOf(
  given: Record<string, string>,
  image: "gpu-image" | "domus-image",
  built: Record<string, string> = {},
) {
  const { engine } = await testbedOf(given, false, built);
  const found = engine.of("v4v:index:GuestImage").find(({ name }) => name === image);
  const files = found?.inputs.payload as RemoteFile[];
  return new Map(files.map(({ path, content, source }) => [path, content ?? source ?? ""]));
}

test("its domU has every function, an image of its own, and its settings' memory and CPUs", async () => {
  const { engine, domain, inputs } = await gpuOf({
    ...named,
    "gpu.memoryMiB": "1536",
    "gpu.vcpus": "2",
  });
  expect(inputs.config).toContain(`pci = [ "${DISPLAY}", ]`);
  expect(inputs.config).toMatch(/^memory = 1536$/m);
  expect(inputs.config).toMatch(/^vcpus = 2$/m);
  expect(inputs.config).toContain("target=/var/lib/v4v-testbed/gpu-image/root.ext4");
  expect(inputs.config).toContain('kernel = "/var/lib/v4v-testbed/gpu-image/kernel"');
  expect(inputs).toMatchObject({
    address: "10.83.0.10",
    folder: "/var/lib/v4v-testbed",
    imageFolder: "/var/lib/v4v-testbed/gpu-image",
  });
  // Deleted in the opposite order: the domU before its device is given back, both before the folder that they are in.
  const before = engine.before(domain);
  for (const name of ["gpu-device", "gpu-image", "domus-image", "host-xen", "rules-table"])
    expect(before, name).toContain(name);
  const image = engine.of("v4v:index:GuestImage").find(({ name }) => name === "gpu-image");
  expect(image?.inputs).toMatchObject({ modules: ["xen-pcifront"], imageSha256: "5f" });
});

test("an HVM domU has a device model, no PV front end, and a kernel that the model loads", async () => {
  const { engine, inputs } = await gpuOf({ ...named, "gpu.type": "hvm" });
  expect(engine.one("v4v:index:Passthrough").inputs.guestType).toBe("hvm");
  expect(inputs.config).toMatch(/^type = "hvm"$/m);
  expect(inputs.config).toMatch(/^vif = \[ "type=vif,mac=/m);
  const image = engine.of("v4v:index:GuestImage").find(({ name }) => name === "gpu-image");
  expect(image?.inputs).toMatchObject({ modules: [], packedKernels: "/boot" });
  const host = engine.of("v4v:index:Build").find(({ inputs: one }) => one.recipe === "host-image");
  expect(host?.inputs.parameters).toMatchObject({ HVM: "y" });
  // The others stay what they are.
  const other = engine.of("v4v:index:Domain").find(({ name }) => name === "domu1");
  expect(other?.inputs.config).toMatch(/^type = "pv"$/m);
});

test("without being asked for nothing of HVM is anywhere", async () => {
  const { engine, inputs } = await gpuOf(named);
  expect(engine.one("v4v:index:Passthrough").inputs.guestType).toBe("auto");
  expect(inputs.config).toMatch(/^type = "pv"$/m);
  const image = engine.of("v4v:index:GuestImage").find(({ name }) => name === "gpu-image");
  expect(image?.inputs).not.toHaveProperty("packedKernels");
  const host = engine.of("v4v:index:Build").find(({ inputs: one }) => one.recipe === "host-image");
  expect(host?.inputs.parameters).not.toHaveProperty("HVM");
  const unused = await testbedOf({ "gpu.type": "hvm" });
  const without = unused.engine
    .of("v4v:index:Build")
    .find(({ inputs: one }) => one.recipe === "host-image");
  expect(without?.inputs.parameters).not.toHaveProperty("HVM");
});

test("with a device alone nothing listens, and the other domUs are as ever", async () => {
  const plain = await payloadOf({}, "domus-image");
  expect(await payloadOf(named, "domus-image")).toEqual(plain);
  const own = await payloadOf(named, "gpu-image");
  expect(own.has("/usr/local/bin/gpu-bench")).toBe(true);
  expect([...own.keys()].filter((path) => path.includes("pocld"))).toEqual([]);
});

test("remote execution has a server for each way to it, and clients that name the same ports", async () => {
  const server = await payloadOf(remote, "gpu-image");
  const client = (await payloadOf(remote, "domus-image")).get("/usr/local/bin/remote-gpu") ?? "";
  for (const [transport, port, command] of [
    ["tcp", "10998", "/usr/local/bin/pocld"],
    ["v4v-sockets", "11008", "/usr/bin/v4vrun --mode require /usr/local/bin/pocld"],
  ] as const) {
    const unit = server.get(`/etc/systemd/system/pocld-${transport}.service`);
    expect(unit).toContain(`\nExecStart=${command} -a 10.83.0.10 -p ${port}\n`);
    expect(unit).toContain("\nIPAddressDeny=any\nIPAddressAllow=10.83.0.0/24\n");
    expect(unit).toContain("\nDynamicUser=yes\n");
    expect(server.get("/etc/v4v/boot.d/60-remote-gpu")).toContain(`pocld-${transport}.service`);
    expect(client).toMatch(
      new RegExp(
        `\\n${transport}\\)\\n.*\\n.* POCL_REMOTE0_PARAMETERS='10\\.83\\.0\\.10:${port}/0' `,
      ),
    );
  }
});

test("beside the product's servers a plain socket listens for each way, as shut off as they are", async () => {
  const server = await payloadOf(remote, "gpu-image");
  for (const [transport, port, prefix] of [
    ["tcp", 11020, ""],
    ["v4v-sockets", 11030, "/usr/bin/v4vrun --mode require "],
  ] as const) {
    const name = `gpu-socket-${transport}.service`;
    const unit = server.get(`/etc/systemd/system/${name}`);
    expect(unit).toContain(
      `\nExecStart=${prefix}/usr/local/bin/gpu-bench serve 10.83.0.10:${port}\nUser=gpu-socket\n`,
    );
    expect(unit).toContain("\nIPAddressDeny=any\nIPAddressAllow=10.83.0.0/24\n");
    expect(unit).toContain("\nTasksMax=64\n");
    expect(server.get(`/etc/systemd/system/pocld-${transport}.service`)).not.toContain("TasksMax");
    expect(server.get("/etc/v4v/boot.d/60-remote-gpu")).toContain(name);
  }
});

test("TCP's limits are the same at both ends, however much memory these have", async () => {
  const hook = "/etc/v4v/boot.d/15-tcp-limits";
  const server = (await payloadOf(remote, "gpu-image")).get(hook);
  expect(server).toMatch(/ net\.ipv4\.tcp_rmem='4096 131072 \d+' .*net\.ipv4\.tcp_wmem=/);
  expect((await payloadOf(remote, "domus-image")).get(hook)).toBe(server);
});

test("PoCL's server keeps little of what it has freed: large transfers leave room for the next", async () => {
  const unit = (await payloadOf(remote, "gpu-image")).get("/etc/systemd/system/pocld-tcp.service");
  expect(unit).toMatch(/^Environment=.* MALLOC_ARENA_MAX=1$/m);
});

test("without V4V remote execution has TCP alone", async () => {
  const given = { ...remote, "v4v.enabled": "false" };
  const server = await payloadOf(given, "gpu-image");
  expect([...server.keys()].filter((path) => /system\/(pocld|gpu-socket)-/.test(path))).toEqual([
    "/etc/systemd/system/pocld-tcp.service",
    "/etc/systemd/system/gpu-socket-tcp.service",
  ]);
  expect((await payloadOf(given, "domus-image")).get("/usr/local/bin/remote-gpu")).not.toContain(
    "v4v",
  );
});

test("the evaluation comes after the GPU domU, and compares the ways that there are to it", async () => {
  const ways = async (given: Record<string, string>) => {
    const { engine } = await testbedOf({ ...given, "evaluation.profile": "smoke" });
    const evaluation = engine.one("v4v:index:Evaluation");
    const files = engine.of("v4v:index:Files").find(({ name }) => name === "benchmark");
    const paths = (files?.inputs.files as RemoteFile[]).map(({ path }) => path);
    return {
      before: engine.before(evaluation),
      gpu: evaluation.inputs.gpu as GpuRoute[] | undefined,
      driven: paths.includes(GPU_DRIVE),
    };
  };
  const none = await ways({});
  expect([none.gpu, none.driven]).toEqual([undefined, false]);
  const device = await ways(named);
  expect(device.gpu).toEqual([{ transport: "native", host: "gpu", prefix: "" }]);
  expect(device.before).toContain("gpu");
  expect(device.driven).toBe(true);
  const all = await ways(remote);
  expect(all.gpu?.map(({ socket }) => socket)).toEqual([
    undefined,
    { unit: "gpu-socket-tcp.service", address: "10.83.0.10", port: 11020 },
    { unit: "gpu-socket-v4v-sockets.service", address: "10.83.0.10", port: 11030 },
  ]);
  expect(all.gpu?.map(({ transport, host, server }) => [transport, host, server])).toEqual([
    ["native", "gpu", undefined],
    ["tcp", "domu1", { unit: "pocld-tcp.service", port: 10998 }],
    ["v4v-sockets", "domu1", { unit: "pocld-v4v-sockets.service", port: 11008 }],
  ]);
});

test("a device changes no other build and no other domU", async () => {
  const plain = await testbedOf();
  const device = await testbedOf(named);
  const wires = ({ engine }: typeof plain, type: string) =>
    new Map(engine.of(type).map((one) => [one.name, one.wire]));
  for (const type of ["Domain", "Module", "GuestImage", "Hypervisor", "Build", "Rules"])
    for (const [name, wire] of wires(plain, `v4v:index:${type}`))
      expect(wires(device, `v4v:index:${type}`).get(name), name).toEqual(wire);
});

describe("NVIDIA's driver, for a card that the emulated machine has not", () => {
  const onCard = (given: Record<string, string>) =>
    testbedOf(given, false, {}, (settings) => ({
      ...settings,
      gpu: { ...settings.gpu, driver: "nvidia" },
    }));
  const recipes = ({ engine }: Awaited<ReturnType<typeof onCard>>) =>
    new Map(engine.of("v4v:index:Build").map(({ inputs }) => [inputs.recipe, inputs]));

  test("comes from lists with the non-free component, as image and modules", async () => {
    const found = recipes(await onCard(named));
    expect(found.get("nvidia-index")?.dependencies).toEqual({ index: "/cache/index" });
    for (const recipe of ["gpu-image", "nvidia-module"])
      expect(found.get(recipe)?.dependencies, recipe).toMatchObject({
        index: "/cache/nvidia-index",
      });
    expect(found.get("gpu-image")?.parameters).toMatchObject({ NVIDIA: "y" });
    // The host and the other domUs have nothing of it.
    for (const recipe of ["host-image", "domu-image", "buildroot", "hypervisor"])
      expect(found.get(recipe)?.dependencies, recipe).toMatchObject({ index: "/cache/index" });
  });

  test("is loaded before what serves the card", async () => {
    const { engine } = await onCard(remote);
    expect(engine.one("v4v:index:Passthrough").inputs).toMatchObject({
      driver: "nvidia",
      driverKernel: "6.12.9-amd64",
    });
    const image = engine.of("v4v:index:GuestImage").find(({ name }) => name === "gpu-image");
    const files = new Map((image?.inputs.payload as RemoteFile[]).map((file) => [file.path, file]));
    expect(image?.inputs.modules).toEqual(["xen-pcifront", "drm"]);
    const hooks = [...files.keys()].filter((path) => path.startsWith("/etc/v4v/boot.d/")).sort();
    expect(hooks.indexOf("/etc/v4v/boot.d/30-nvidia")).toBeGreaterThan(-1);
    expect(hooks.indexOf("/etc/v4v/boot.d/30-nvidia")).toBeLessThan(
      hooks.indexOf("/etc/v4v/boot.d/60-remote-gpu"),
    );
    const hook = files.get("/etc/v4v/boot.d/30-nvidia");
    expect(hook?.mode).toBe("755");
    // In a domU whose programs are changed the hooks run again.
    const loads = /^grep -q '\^(\w+) ' \/proc\/modules \|\| insmod (\S+)$/gm;
    const lines = [...(hook?.content ?? "").matchAll(loads)];
    expect(lines.map(([, name]) => name)).toEqual(["nvidia", "nvidia_uvm"]);
    const loaded = lines.map(([, , path]) => path);
    expect(loaded).toEqual([
      "/usr/local/lib/nvidia/nvidia.ko",
      "/usr/local/lib/nvidia/nvidia-uvm.ko",
    ]);
    for (const path of loaded)
      expect(files.get(path ?? "")?.source).toMatch(/^\/cache\/nvidia-module\/nvidia/);
    const others = engine.of("v4v:index:GuestImage").find(({ name }) => name === "domus-image");
    expect(JSON.stringify(others?.inputs.payload)).not.toContain("nvidia");
  });

  test("is nowhere without being asked for, or without a GPU domU", async () => {
    const none = await onCard({});
    for (const found of [recipes(await testbedOf(remote)), recipes(none)]) {
      expect([...found.keys()].filter((recipe) => String(recipe).includes("nvidia"))).toEqual([]);
      expect(found.get("gpu-image")?.parameters ?? {}).not.toHaveProperty("NVIDIA");
    }
  });
});

describe("rCUDA from an archive", () => {
  const folder = useFolder();
  const SHA256 = "ab".repeat(32);
  const rcuda = {
    ...remote,
    "remoteGpu.product": "rcuda",
    "remoteGpu.rcuda.archive": "/archives/rcuda.tgz",
    "remoteGpu.rcuda.sha256": SHA256,
  };
  /** As the recipe unpacks one. */
  const unpacked = (): Record<string, string> => {
    for (const path of ["bin/rCUDAd", "lib/libcudart.so.9.0", "lib/deep/libcublas.so.9.0"]) {
      const file = folder("build/tree", path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, path);
    }
    chmodSync(folder("build/tree/bin/rCUDAd"), 0o700);
    symlinkSync("libcudart.so.9.0", folder("build/tree/lib/libcudart.so"));
    symlinkSync("nowhere", folder("build/tree/lib/libgone.so"));
    return { "remote-archive": folder("build") };
  };

  test("is unpacked by its digest", async () => {
    const { engine } = await testbedOf(rcuda, false, unpacked());
    const build = engine.of("v4v:index:Build").find(({ name }) => name === "build-remote-archive");
    expect(build?.inputs.parameters).toEqual({ ARCHIVE: "/archives/rcuda.tgz", SHA256 });
    const other = await testbedOf(remote);
    const recipes = other.engine.of("v4v:index:Build").map(({ inputs }) => inputs.recipe);
    expect(recipes).not.toContain("remote-archive");
  });

  test("has its server in the GPU domU, its libraries in the others, and units as it says", async () => {
    const built = unpacked();
    const server = await payloadOf(rcuda, "gpu-image", built);
    expect([...server.keys()].filter((path) => path.startsWith("/opt/"))).toEqual([
      "/opt/remote-gpu/bin/rCUDAd",
    ]);
    expect(server.get("/etc/systemd/system/rcuda-tcp.service")).toContain(
      "\nExecStart=/opt/remote-gpu/bin/rCUDAd -i -p 8308\nUser=rcuda\n",
    );
    expect(server.get("/etc/systemd/system/rcuda-v4v-sockets.service")).toContain(
      "\nExecStart=/usr/bin/v4vrun --mode require /opt/remote-gpu/bin/rCUDAd -i -p 8318\n",
    );
    const client = await payloadOf(rcuda, "domus-image", built);
    expect([...client.keys()].filter((path) => path.startsWith("/opt/")).sort()).toEqual([
      "/opt/remote-gpu/lib/deep/libcublas.so.9.0",
      "/opt/remote-gpu/lib/libcudart.so",
      "/opt/remote-gpu/lib/libcudart.so.9.0",
    ]);
    expect(client.get("/usr/local/bin/remote-gpu")).toContain(
      "\texport LD_LIBRARY_PATH='/opt/remote-gpu/lib' RCUDA_DEVICE_COUNT='1' RCUDA_DEVICE_0='10.83.0.10@8318:0'\n",
    );
  });

  test("brings nothing of the controller's by a link", () => {
    unpacked();
    const tree = folder("build/tree");
    expect(filesBelow(tree)).toHaveLength(4);
    writeFileSync(folder("secret"), "");
    for (const target of [folder("secret"), "../../../secret"]) {
      symlinkSync(target, folder("build/tree/lib/libx.so"));
      expect(() => filesBelow(tree)).toThrow("the archive's lib/libx.so is a link out of it");
      rmSync(folder("build/tree/lib/libx.so"));
    }
  });

  test("is measured by gpu-bench's cuda, natively too", async () => {
    const { engine } = await testbedOf(
      { ...rcuda, "evaluation.profile": "smoke" },
      false,
      unpacked(),
    );
    const routes = engine.one("v4v:index:Evaluation").inputs.gpu as GpuRoute[];
    expect(routes.map(({ backend, server }) => [backend, server?.unit, server?.port])).toEqual([
      ["cuda", undefined, undefined],
      ["cuda", "rcuda-tcp.service", 8308],
      ["cuda", "rcuda-v4v-sockets.service", 8318],
    ]);
  });
});
