import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Builds } from "../../../components/builds.ts";
import { Build } from "../../../provider/sdk.ts";
import { Engine, valueOf } from "../helpers/pulumiMocks.ts";
import { outputs, PROJECT, settingsOf } from "./world.ts";

const TYPE = "v4v:index:Build";

const build = (given: Record<string, string> = {}, preview = false) =>
  Engine.run(() => new Builds("build", { project: PROJECT, settings: settingsOf(given) }), {
    outputs,
    preview,
  });

test("every recipe is there, with the sources that it names", async () => {
  const { engine } = await build();
  expect(
    engine
      .of(TYPE)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(
    [
      "buildroot",
      "domu-image",
      "domu-packages",
      "host-image",
      "hypervisor",
      "index",
      "module",
      "sockets",
      "tools",
      "xen-source",
    ].map((recipe) => `build-${recipe}`),
  );
  for (const { name, inputs } of engine.of(TYPE)) {
    const { recipe, sources, project } = inputs as {
      recipe: string;
      sources: string[];
      project: string;
    };
    expect(name).toBe(`build-${recipe}`);
    expect(project).toBe(PROJECT);
    for (const path of [`recipes/${recipe}.sh`, ...sources])
      expect(existsSync(join(PROJECT, path)), path).toBe(true);
  }
});

test("each builds on the folders of others, and waits for exactly those", async () => {
  const { engine } = await build();
  const graph = Object.fromEntries(
    engine.of(TYPE).map((resource) => {
      const { recipe, dependencies } = resource.inputs as {
        recipe: string;
        dependencies: Record<string, string>;
      };
      const direct = engine.registered.filter(({ urn }) => resource.dependencies.includes(urn));
      expect(Object.values(dependencies).sort()).toEqual(
        direct.map(({ inputs }) => `/cache/${String(inputs.recipe)}`).sort(),
      );
      return [recipe, Object.keys(dependencies).sort()];
    }),
  );
  expect(graph).toEqual({
    index: [],
    buildroot: ["index"],
    "xen-source": ["index"],
    "host-image": ["index"],
    "domu-image": ["index"],
    hypervisor: ["buildroot", "index", "xen_source"],
    tools: ["buildroot"],
    module: ["buildroot"],
    sockets: ["buildroot", "index"],
    "domu-packages": ["buildroot", "image", "sockets"],
  });
});

test("settings reach the recipes that they concern, and no other", async () => {
  const plain = await build();
  const other = await build({
    "machine.mirror": "http://deb.example/debian",
    "machine.diskMiB": "8192",
    "machine.cpus": "4",
    "domU.memoryMiB": "256",
  });
  const parameters = ({ engine }: typeof plain) =>
    Object.fromEntries(
      engine.of(TYPE).map(({ inputs }) => [inputs.recipe, inputs.parameters]),
    ) as Record<string, unknown>;
  expect(parameters(other)).toEqual({
    ...parameters(plain),
    index: { SUITE: "trixie", MIRROR: "http://deb.example/debian" },
    "host-image": { DISK_MIB: "8192", RELEASE_SHA256: "5e" },
  });
});

test("without V4V there is no module, and the hypervisor is built without it", async () => {
  const { engine, result } = await build({ "v4v.enabled": "false" });
  expect(result.module).toBeUndefined();
  expect(engine.of(TYPE).map(({ inputs }) => inputs.recipe)).not.toContain("module");
  expect(engine.one(TYPE, "build-hypervisor").inputs.parameters).toEqual({
    V4V: "n",
    DEBUG: "n",
    XSM: "n",
    RELEASE_SHA256: "5e",
  });
});

test("a debug build of the hypervisor is another build of it, and of nothing else", async () => {
  const [plain, debug] = [await build(), await build({ "xen.debug": "true" })];
  const parameters = ({ engine }: typeof plain) =>
    Object.fromEntries(
      engine.of(TYPE).map(({ inputs }) => [inputs.recipe, inputs.parameters]),
    ) as Record<string, unknown>;
  expect(parameters(debug)).toEqual({
    ...parameters(plain),
    hypervisor: { V4V: "y", DEBUG: "y", XSM: "n", RELEASE_SHA256: "5e" },
  });
});

test("silo and flask are of one build, another than without a security module", async () => {
  const [silo, flask] = [await build({ "xen.xsm": "silo" }), await build({ "xen.xsm": "flask" })];
  for (const { engine } of [silo, flask])
    expect(engine.one(TYPE, "build-hypervisor").inputs.parameters).toEqual({
      V4V: "y",
      DEBUG: "n",
      XSM: "y",
      RELEASE_SHA256: "5e",
    });
});

test("a fact is what the recipe recorded; one that it did not record is an error", async () => {
  const { result } = await build();
  expect(await valueOf(result.hypervisor.fact("build-id"))).toBe("b001d");
  // An output that fails fails the whole program; its function is what is looked at here.
  const known = {
    facts: { apply: (take: (facts: object) => unknown) => take({ shape: "round" }) },
  };
  const method = Object.getOwnPropertyDescriptor(Build.prototype, "fact")?.value as () => unknown;
  const fact = (name: string) => Reflect.apply(method, known, [name]) as unknown;
  expect(fact("shape")).toBe("round");
  expect(() => fact("colour")).toThrow('the build recorded no fact "colour"');
});

test("in a preview facts are not known and nothing fails for it", async () => {
  const { engine, result } = await build({}, true);
  expect(engine.of(TYPE)).toHaveLength(10);
  expect(await valueOf(result.hypervisor.fact("build-id"))).toBeUndefined();
});
