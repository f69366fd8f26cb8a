import { describe, expect, test } from "vitest";
import { UNKNOWN } from "../../../provider/resource.ts";
import { resources } from "../../../provider/registry.ts";
import { plainTexts } from "../helpers/pulumiMocks.ts";
import { KEYS, testbedOf } from "./world.ts";

test("every resource is one that a provider of the project serves, inside the testbed", async () => {
  const { engine } = await testbedOf();
  const root = engine.one("v4v:testbed:Testbed");
  expect(root.parent).toBe("");
  for (const { type, urn, parent } of engine.registered) {
    if (urn === root.urn) continue;
    if (!type.startsWith("v4v:testbed:"))
      expect([...resources.keys(), "command:remote:Command"]).toContain(type);
    expect(parent.startsWith(root.urn.slice(0, root.urn.lastIndexOf("::")))).toBe(true);
  }
});

test("every resource gets the inputs that its provider requires", async () => {
  const { engine } = await testbedOf();
  for (const { type, name, inputs } of engine.registered) {
    const checked = await resources.get(type)?.check?.(inputs as never, undefined);
    expect(checked?.failures ?? [], name).toEqual([]);
  }
});

test("each resource of a type has an id and a URN of its own", async () => {
  const { engine } = await testbedOf({ vmCount: "4" });
  const urns = engine.registered.map(({ urn }) => urn);
  expect(new Set(urns).size).toBe(urns.length);
  const domains = engine.of("v4v:index:Domain");
  const ids = domains.map(({ inputs }) => resources.get("v4v:index:Domain")?.id(inputs as never));
  expect(ids).toEqual(["domu1", "domu2", "domu3", "domu4"]);
});

describe("secrets", () => {
  test.each([{}, { "v4v.enabled": "false" }, { vmCount: "5" }])(
    "no private key is in the clear in any input (%j)",
    async (given) => {
      const { engine } = await testbedOf(given);
      for (const { name, wire } of engine.registered)
        expect(plainTexts(wire).join("\n"), name).not.toContain("PRIVATE");
      // They do travel, inside secrets: the search above looked at the right thing.
      const all = JSON.stringify(engine.registered.map(({ wire }) => wire));
      for (const key of Object.values(KEYS)) expect(all).toContain(key);
    },
  );

  test("every key that a provider returns is declared secret", async () => {
    const { result } = await testbedOf();
    const { runFolder } = result.machine;
    const isSecret = (output: unknown) => (output as { isSecret: Promise<boolean> }).isSecret;
    for (const output of [runFolder.privateKey, runFolder.hostPrivateKey, runFolder.dom0PrivateKey])
      expect(await isSecret(output)).toBe(true);
    for (const output of [runFolder.publicKey, runFolder.hostPublicKey, runFolder.port])
      expect(await isSecret(output)).toBe(false);
    for (const domain of result.domains.domains) {
      const { hostPrivateKey } = domain as unknown as { hostPrivateKey: unknown };
      expect(await isSecret(hostPrivateKey)).toBe(true);
    }
  });
});

describe("a preview of a testbed that does not exist", () => {
  test("announces what up will make, with the same names and parents", async () => {
    const up = await testbedOf({ vmCount: "4" });
    const preview = await testbedOf({ vmCount: "4" }, true);
    const urns = ({ engine }: typeof up) => engine.registered.map(({ urn }) => urn).sort();
    expect(urns(preview)).toEqual(urns(up));
  });

  test("holds nothing but what is known: settings and templates, the rest is unknown", async () => {
    const { engine } = await testbedOf({}, true);
    for (const { inputs } of engine.of("v4v:index:Domain")) {
      expect(inputs.connection).toBe(UNKNOWN);
      expect(inputs.bootDigest).toBe(UNKNOWN);
      expect(inputs.config).toContain("memory = 192");
    }
    expect(JSON.stringify(engine.registered.map(({ wire }) => wire))).not.toContain("PRIVATE");
  });

  test("is accepted by every provider's check", async () => {
    const { engine } = await testbedOf({}, true);
    for (const { type, name, inputs } of engine.registered) {
      const checked = await resources.get(type)?.check?.(inputs as never, undefined);
      expect(checked?.failures ?? [], name).toEqual([]);
    }
  });
});
