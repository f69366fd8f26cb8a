import { expect, test } from "vitest";
import { FormatError, parseManifest, parsePlan } from "../../../evaluation/formats.ts";
import { fnv1a64 } from "../../../evaluation/hash.ts";
import { buildManifest, factsOf, manifestHash, planHash } from "../../../evaluation/manifest.ts";
import { renderPlan } from "../../../evaluation/plan.ts";
import { facts } from "./facts.ts";
import { domains, smokePlan } from "./synthetic.ts";

const plan = smokePlan();
const manifest = buildManifest({ facts, plan, complete: true, artifacts: { "results.csv": "ab" } });

test("the manifest holds the facts, the plan's marks and the files", () => {
  expect(factsOf(manifest)).toEqual(facts);
  expect(manifest).toMatchObject({ profile: "smoke", seed: 1, complete: true });
  expect(manifest.plan.fnv1a64).toBe(fnv1a64(renderPlan(plan, domains)));
  expect(manifest.artifacts).toEqual({ "results.csv": "ab" });
});

test("its hash is that of the contents, not of their order", () => {
  const reversed = Object.fromEntries(
    Object.entries(manifest).reverse(),
  ) as unknown as typeof manifest;
  expect(JSON.stringify(reversed)).not.toBe(JSON.stringify(manifest));
  expect(manifestHash(reversed)).toBe(manifestHash(manifest));
  expect(manifestHash({ ...manifest, complete: false })).not.toBe(manifestHash(manifest));
  expect(planHash(smokePlan(["tcp"]))).not.toBe(planHash(plan));
});

test("both files are read back as they were written", () => {
  expect(parseManifest(JSON.stringify(manifest))).toEqual(manifest);
  expect(parsePlan(JSON.stringify(plan))).toEqual(plan);
});

test("how the transports were set up is recorded; older runs do without", () => {
  const transports = { tcp: "AF_INET; TCP_NODELAY" };
  const recorded = buildManifest({
    facts: { ...facts, transports },
    plan,
    complete: true,
    artifacts: {},
  });
  expect(parseManifest(JSON.stringify(recorded)).transports).toEqual(transports);
  expect(factsOf(recorded).transports).toEqual(transports);
  expect(factsOf(manifest)).not.toHaveProperty("transports");
  const broken = JSON.stringify({ ...manifest, transports: { tcp: 1 } });
  expect(() => parseManifest(broken)).toThrow(/transports\/tcp must be string/);
});

test.each([
  ["{", /^manifest\.json: not JSON$/],
  ["[]", /^manifest\.json: it must be object$/],
  [JSON.stringify({ ...manifest, version: 2 }), /it\/version must be equal to constant/],
  [JSON.stringify({ ...manifest, seed: "1" }), /it\/seed must be integer/],
  [JSON.stringify({ ...manifest, runId: "../up" }), /it\/runId must match pattern/],
  [
    JSON.stringify({ ...manifest, accelerator: { kind: "magic", reason: "" } }),
    /accelerator\/kind/,
  ],
  [JSON.stringify({ ...manifest, artifacts: undefined }), /required property 'artifacts'/],
])("a manifest that is none is refused (%#)", (json, message) => {
  expect(() => parseManifest(json)).toThrow(message);
  expect(() => parseManifest(json)).toThrow(FormatError);
});

test("a plan that is none is refused", () => {
  expect(() => parsePlan(JSON.stringify({ ...plan, steps: [] }))).toThrow(
    /plan\.json: it\/steps must NOT have fewer/,
  );
});
