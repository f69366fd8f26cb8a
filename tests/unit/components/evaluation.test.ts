import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { settingsOf } from "../../../evaluation/transports.ts";
import type { EvaluationInputs } from "../../../provider/resources/evaluation.ts";
import { plainTexts } from "../helpers/pulumiMocks.ts";
import { PROJECT, testbedOf } from "./world.ts";

const TYPE = "v4v:index:Evaluation";

const inputsOf = async (given: Record<string, string>) => {
  const { engine } = await testbedOf(given);
  return engine.one(TYPE).inputs as unknown as EvaluationInputs;
};

test("it measures the domUs that there are, by their ids of now", async () => {
  const { domains, transports, profile } = await inputsOf({ vmCount: "3" });
  expect(profile).toBe("smoke");
  expect(transports).toEqual(["tcp", "v4v"]);
  expect(domains).toEqual(
    [1, 2, 3].map((i) => ({
      name: `domu${i}`,
      addr: `10.83.0.${10 + i}`,
      domid: 100 + i,
      cid: 102 + i,
    })),
  );
});

test("it comes last: after the domUs, dom0's module, v4vd and dom0's v4v-bench", async () => {
  const { engine } = await testbedOf();
  const before = engine.before(engine.one(TYPE));
  for (const name of ["domu1", "domu2", "module-dom0", "sockets-dom0", "benchmark", "host-xen"])
    expect(before, name).toContain(name);
});

test("profile none measures nothing, and the rest of the testbed is the same", async () => {
  const measured = await testbedOf();
  const { engine, result } = await testbedOf({ "evaluation.profile": "none" });
  expect(engine.of(TYPE)).toEqual([]);
  expect(result.evaluation.run).toBeUndefined();
  const wires = (all: typeof engine.registered) =>
    all
      .filter(({ type }) => type !== TYPE && type !== "command:remote:Command")
      .map(({ urn, wire }) => JSON.stringify([urn, wire]));
  expect(wires(engine.registered).sort()).toEqual(wires(measured.engine.registered).sort());
});

test("without V4V, TCP alone is measured", async () => {
  expect((await inputsOf({ "v4v.enabled": "false" })).transports).toEqual(["tcp"]);
});

test("profile quick measures what unmodified TCP programs get, where there is V4V", async () => {
  const quick = { "evaluation.profile": "quick" };
  expect((await inputsOf(quick)).transports).toContain("v4v-sockets");
  expect((await inputsOf({ ...quick, "v4v.enabled": "false" })).transports).toEqual([
    "tcp",
    "tcp-stock",
    "vchan",
    "unix",
    "native",
  ]);
});

test("the manifest gets the set-up of what is measured, of nothing else", async () => {
  const { facts } = await inputsOf({
    "evaluation.profile": "quick",
    "evaluation.transports": "tcp,vchan",
  });
  expect(facts.transports).toEqual({ tcp: settingsOf("tcp"), vchan: settingsOf("vchan") });
});

test("its bill of materials is looked up in the builds that there are", async () => {
  const bill = {
    project: PROJECT,
    index: "/cache/index",
    xenSource: "/cache/xen-source",
    images: {
      "host-image": "/cache/host-image",
      "domu-image": "/cache/domu-image",
      buildroot: "/cache/buildroot",
    },
  };
  expect((await inputsOf({})).bill).toEqual({ ...bill, sockets: "/cache/sockets" });
  expect((await inputsOf({ "v4v.enabled": "false" })).bill).toEqual(bill);
});

test("with a GPU domU the bill has its image and its programs' builds", async () => {
  const { bill } = await inputsOf({ "remoteGpu.enabled": "true" });
  expect(bill?.images).toMatchObject({
    "gpu-image": "/cache/gpu-image",
    "pocl-root": "/cache/pocl-root",
  });
  expect(bill?.gpu).toEqual({ pocl: "/cache/pocl", tools: "/cache/gpu-tools" });
});

test("what is chosen of the profile goes along, and transports chosen take the place of its own", async () => {
  const chosen = {
    "evaluation.experiments": "latency",
    "evaluation.transports": "unix, tcp",
    "evaluation.gpuProducts": "64",
  };
  const { selection, transports } = await inputsOf(chosen);
  expect(selection).toEqual({
    ...{ experiments: "latency", sizes: "profile", pairs: "profile", transports: "unix, tcp" },
    ...{ repetitions: "profile", budget: 0, gpuProducts: "64" },
    ...{ gpuStencils: "profile", gpuTransfers: "profile" },
  });
  expect(transports).toEqual(["tcp", "unix"]);
});

test("its deadline is the setting's", async () => {
  const { engine } = await testbedOf({ "evaluation.timeout": "120" });
  expect(engine.one(TYPE).timeouts).toEqual({ create: "120s", update: "120s" });
});

test("what a result is compared by names settings and builds, no ids, no paths, no generation", async () => {
  const first = await inputsOf({});
  const again = await inputsOf({ "evaluation.generation": "4" });
  expect(again.generation).toBe(4);
  expect(again.facts).toEqual(first.facts);
  expect(first.facts).toMatchObject({
    builds: { hypervisor: "5a", module: "5b", "v4v-bench": "5c", "domU image": "5d" },
    accelerator: { kind: "tcg", reason: "no KVM" },
    versions: { xen: "4.20", kernel: "6.12.1-amd64", qemu: "QEMU", "package lists": "a day" },
    settings: { vmCount: 2, v4v: { enabled: true } },
  });
  const texts = plainTexts(first.facts).join("\n");
  expect(texts).not.toMatch(/dom0 boot|boot of domu|10\.83\.0|\/cache|\/state|PRIVATE/);
});

test("with a GPU domU the builds that compute there are among them", async () => {
  const { facts } = await inputsOf({ "remoteGpu.enabled": "true" });
  expect(facts.builds).toEqual({
    ...{ hypervisor: "5a", module: "5b", "v4v-bench": "5c", "domU image": "5d" },
    ...{ "gpu-bench": "6a", "GPU domU image": "5f" },
    PoCL: createHash("sha256").update("6b").digest("hex"),
  });
});

test("a setting that changes what is measured changes what the result is compared by", async () => {
  const { facts } = await inputsOf({});
  for (const change of [
    { vmCount: "3" },
    { "v4v.ringKiB": "64" },
    { "domU.vcpus": "2" },
    { "xen.options": "sched=credit" },
  ])
    expect((await inputsOf(change)).facts, JSON.stringify(change)).not.toEqual(facts);
});
