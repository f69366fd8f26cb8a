import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { exported, goOnFromPending, takePendingDown } from "../../../scripts/lib/pending.ts";
import type { Workspace } from "../../../scripts/lib/workspace.ts";
import { useFolder } from "../helpers/folder.ts";

const folder = useFolder();

const urn = (type: string, name: string) => `urn:pulumi:dev::v4vsockets-testbed::${type}::${name}`;

const DOMAIN = "v4v:index:Domain";
const HOST = "v4v:index:Host";
const COMMAND = "command:remote:Command";

/** Of a secret, the engine knows more than a reader of its state. */
const SECRET = { "4dabf18193072939515e22adb298388d": "1b4", ciphertext: "v1:x" };

const PARENT = { urn: urn("v4v:testbed:Testbed", "testbed"), type: "v4v:testbed:Testbed" };
const PROVIDER = {
  ...{ urn: urn("pulumi:providers:v4v", "default"), id: "7", type: "pulumi:providers:v4v" },
};
/** What there is before anything of ours is made. */
const BASE = [PARENT, PROVIDER];

const resource = (type: string, name: string, more: object = {}) => ({
  ...{ urn: urn(type, name), custom: true, type },
  ...{ parent: PARENT.urn, provider: `${PROVIDER.urn}::7` },
  inputs: { name, connection: SECRET },
  ...more,
});
const made = (type: string, name: string, more: object = {}) => ({
  ...resource(type, name, more),
  id: "x",
  outputs: {},
});
/** As the next engine finds it. */
const half = (type: string, name: string, more: object = {}) => {
  const one = resource(type, name, more);
  return { ...one, id: name, outputs: { ...one.inputs, unfinished: true } };
};
const creating = (type: string, name: string, more: object = {}) => ({
  type: "creating",
  resource: resource(type, name, more),
});

interface Imported {
  deployment: { resources: object[]; pending_operations: object[] };
}

/** A workspace whose engine has this state and keeps what it is told. */
function workspaceOf(deployment: object | undefined) {
  const told: string[][] = [];
  const said: string[] = [];
  const imported: Imported["deployment"][] = [];
  const double = {
    stack: "dev",
    backend: { url: `file://${folder()}`, chosenBy: "default" },
    run: (...args: string[]) => {
      const [first, second, , file = ""] = args;
      if (first === "stack" && second === "export")
        return {
          code: deployment === undefined ? 255 : 0,
          stdout: JSON.stringify({ version: 3, deployment }),
          stderr: "",
        };
      if (first === "stack" && second === "import")
        imported.push((JSON.parse(readFileSync(file, "utf8")) as Imported).deployment);
      told.push(args.slice(0, 2));
      return { code: 0, stdout: "", stderr: "" };
    },
  };
  const say = (line: string) => said.push(line);
  return { workspace: double as unknown as Workspace, say, told, said, imported };
}

/** What `destroy` has the engine take for its state; undefined if that stays. */
async function adopted(resources: object[], pending_operations: object[]) {
  const { workspace, say, imported } = workspaceOf({ resources, pending_operations });
  await takePendingDown(workspace, say, exported(workspace));
  expect(imported[0]?.pending_operations ?? []).toEqual([]);
  return imported[0]?.resources;
}

describe("operations that were never finished", () => {
  test.each([
    [1, "in the middle of an operation; going on"],
    [3, "in the middle of 3 operations; going on"],
  ])("%i of other plug-ins are forgotten by a refresh before up", async (count, sentence) => {
    const operations = Array.from({ length: count }, (_, i) => creating(COMMAND, `c${i}`));
    const { workspace, say, told, said } = workspaceOf({
      resources: BASE,
      pending_operations: operations,
    });
    await goOnFromPending(workspace, say);
    expect(told).toEqual([["refresh", "--yes"]]);
    expect(said.join()).toContain(sentence);
  });

  test("of ours are for up to finish, or to take down if it wants less by now", async () => {
    const { workspace, say, told, said, imported } = workspaceOf({
      resources: [...BASE, made(DOMAIN, "domu1")],
      pending_operations: [creating(DOMAIN, "domu2"), creating(HOST, "host")],
    });
    await goOnFromPending(workspace, say);
    expect(told).toEqual([["stack", "import"]]);
    expect(said.join()).toContain("in the middle of 2 operations; going on");
    expect(imported[0]?.resources).toEqual([
      ...BASE,
      made(DOMAIN, "domu1"),
      half(DOMAIN, "domu2"),
      half(HOST, "host"),
    ]);
  });

  test("are for destroy to take down, and nobody else's are", async () => {
    const updating = { ...creating(HOST, "host2"), type: "updating" };
    const { workspace, say, told, said, imported } = workspaceOf({
      resources: BASE,
      pending_operations: [creating(HOST, "host"), creating(COMMAND, "files"), updating],
    });
    await takePendingDown(workspace, say, exported(workspace));
    expect(told).toEqual([["stack", "import"]]);
    expect(said.join()).toContain("taken down");
    expect(imported[0]?.resources).toEqual([...BASE, half(HOST, "host")]);
  });

  test("of a replacement take the place of what the engine had deleted for it", async () => {
    const gone = made(DOMAIN, "domu3", { pendingReplacement: true });
    const after = made(HOST, "after", { dependencies: [urn(DOMAIN, "domu3")] });
    const state = await adopted([...BASE, gone, after], [creating(DOMAIN, "domu3")]);
    expect(state).toEqual([...BASE, half(DOMAIN, "domu3"), after]);
  });

  test("do not hide what is still to be deleted under the same name", async () => {
    const old = made(DOMAIN, "domu3", { delete: true });
    const state = await adopted([...BASE, old], [creating(DOMAIN, "domu3")]);
    expect(state).toEqual([...BASE, old, half(DOMAIN, "domu3")]);
  });

  test("count once, and not at all if another engine has made it since", async () => {
    const twice = [creating(DOMAIN, "domu3"), creating(DOMAIN, "domu3")];
    expect(await adopted(BASE, twice)).toEqual([...BASE, half(DOMAIN, "domu3")]);
    const there = [...BASE, made(DOMAIN, "domu3")];
    expect(await adopted(there, [creating(DOMAIN, "domu3")])).toBeUndefined();
  });

  test.each([
    ["provider", [PARENT], {}],
    ["parent", [PROVIDER], {}],
    ["dependency", BASE, { dependencies: [urn(HOST, "host")] }],
    ["property's dependency", BASE, { propertyDependencies: { a: [urn(HOST, "host")] } }],
    ["machine", BASE, { deletedWith: urn(HOST, "host") }],
  ])("whose %s is gone cannot be the engine's any more", async (_what, resources, more) => {
    expect(await adopted(resources, [creating(DOMAIN, "domu3", more)])).toBeUndefined();
    const whole = [...BASE, made(HOST, "host")];
    expect(await adopted(whole, [creating(DOMAIN, "domu3", more)])).toHaveLength(4);
  });

  test.each([
    ["none", { pending_operations: [] }],
    ["a stack that is empty", {}],
    ["a stack that is not there", undefined],
  ])("%s is nothing to do", async (_what, state) => {
    const { workspace, say, told, said } = workspaceOf(state);
    await goOnFromPending(workspace, say);
    await takePendingDown(workspace, say, exported(workspace));
    expect({ told, said }).toEqual({ told: [], said: [] });
  });
});
