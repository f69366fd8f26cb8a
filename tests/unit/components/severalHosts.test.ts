import { describe, expect, test } from "vitest";
import type { RemoteFile } from "../../../provider/resources/files.ts";
import { resources } from "../../../provider/registry.ts";
import type { Registered } from "../helpers/pulumiMocks.ts";
import { EXISTING, SEVERAL, testbedOf } from "./world.ts";

const HOSTS = ["rack1.example", "rack2.example"] as const;

/** The host that a resource is on; undefined for what is on the controller. */
const hostOf = ({ inputs }: Registered): string | undefined =>
  (inputs.connection as { host?: string } | undefined)?.host;

const testbed = async (more: Record<string, string> = {}, preview = false) =>
  (await testbedOf({ ...SEVERAL, ...more }, preview)).engine;

const onHost = (all: Registered[], host: string) =>
  all.filter((one) => hostOf(one) === host && one.type !== "v4v:index:Evaluation");

test("domUs are spread two by two, and have the address of their number wherever they are", async () => {
  const engine = await testbed({ vmCount: "7" });
  const of = (host: string) =>
    onHost(engine.of("v4v:index:Domain"), host)
      .map(({ name, inputs }) => `${name} ${String(inputs.address)}`)
      .sort();
  const at = (...numbers: number[]) => numbers.map((n) => `domu${n} 10.83.0.${n + 10}`);
  expect(of(HOSTS[0])).toEqual(at(1, 2, 5, 6));
  expect(of(HOSTS[1])).toEqual(at(3, 4, 7));
});

test("on the first host everything is called, and made, as on a single one", async () => {
  const several = onHost((await testbed()).registered, HOSTS[0]);
  const single = (await testbedOf({ ...EXISTING, vmCount: "2" })).engine;
  const alone = onHost(single.registered, HOSTS[0]);
  const called = (all: Registered[]) => all.map(({ urn }) => urn).sort();
  const isLink = ({ name }: Registered) => name === "host-link";
  expect(several.filter(isLink)).toHaveLength(1);
  expect(called(several.filter((one) => !isLink(one)))).toEqual(called(alone));
  // What is different beside the tunnel is what it means for the domUs, and the address that the host is to have.
  const differs = several
    .filter((one) => {
      if (isLink(one)) return false;
      const same = alone.find(({ urn }) => urn === one.urn);
      return JSON.stringify(same?.inputs) !== JSON.stringify(one.inputs);
    })
    .map(({ name }) => name);
  expect(differs.sort()).toEqual(["domus-image", "machine-host"]);
});

test("a single host has nothing of this", async () => {
  const { engine } = await testbedOf(EXISTING);
  const text = JSON.stringify(engine.registered.map(({ inputs }) => inputs));
  for (const word of ["v4v-link", "v4vgre", "05-mtu", '"jump"', '"further"', '"elsewhere"'])
    expect(text).not.toContain(word);
});

test("every resource is accepted by its provider, in a preview as well", async () => {
  for (const preview of [false, true]) {
    for (const { type, name, inputs } of (await testbed({}, preview)).registered) {
      const checked = await resources.get(type)?.check?.(inputs as never, undefined);
      expect(checked?.failures ?? [], name).toEqual([]);
    }
  }
});

test("no resource of a host waits for one of another host: each goes on when the other is down", async () => {
  const engine = await testbed();
  const placed = engine.registered.filter(
    (one) => hostOf(one) !== undefined && one.type !== "v4v:index:Evaluation",
  );
  const host = new Map(placed.map((one) => [one.name, hostOf(one)]));
  expect(new Set(host.values())).toEqual(new Set(HOSTS));
  expect(host.size).toBe(placed.length);
  for (const one of placed)
    for (const name of engine.before(one))
      if (host.has(name)) expect(host.get(name), `${one.name} after ${name}`).toBe(hostOf(one));
});

describe("the hosts' bridges", () => {
  test("are one network, in which no address and no MAC is there twice", async () => {
    const engine = await testbed();
    const unit = (name: string) =>
      (engine.one("v4v:index:Files", name).inputs.files as RemoteFile[]).find(({ path }) =>
        path.endsWith("v4v-bridge.service"),
      )?.content;
    expect(unit("host-files")).toContain("up v4vbr0 10.83.0.1/24 02:16:3e:53:00:00\n");
    expect(unit("host2-files")).toContain("up v4vbr0 10.83.0.2/24 02:16:3e:53:00:01\n");
    expect(engine.one("v4v:index:Domain", "domu3").inputs.environment).toContain(
      "DOMU_GATEWAY=10.83.0.2\n",
    );
  });

  test("are joined by a tunnel to each of the others, made at each boot", async () => {
    const engine = await testbed();
    for (const [name, ends] of [
      ["host-link", "up v4vbr0 1458 192.0.2.1 2:192.0.2.2\n"],
      ["host2-link", "up v4vbr0 1458 192.0.2.2 1:192.0.2.1\n"],
    ] as const) {
      const { files, then, undo } = engine.one("v4v:index:Files", name).inputs;
      const paths = files as RemoteFile[];
      expect(paths.find(({ path }) => path.endsWith("v4v-link.service"))?.content).toContain(ends);
      expect(then).toContain("reload-or-restart v4v-link.service");
      expect(undo).toContain("disable --now v4v-link.service");
      // Its end comes before that of the bridge.
      expect(engine.before(engine.one("v4v:index:Files", name))).toContain(
        name.replace("link", "files"),
      );
    }
  });

  test("carry packets that fit into the tunnels", async () => {
    const engine = await testbed();
    for (const { inputs } of engine.of("v4v:index:GuestImage"))
      expect(inputs.payload).toContainEqual({
        path: "/etc/v4v/boot.d/05-mtu",
        mode: "755",
        content: "#!/bin/sh\nexec ip link set dev eth0 mtu 1458\n",
      });
  });
});

test("a host is asked for what runs on it, and told by its place what to mend", async () => {
  const engine = await testbed({ vmCount: "3" });
  const needs = (name: string) => engine.one("v4v:index:Host", name).inputs.needs;
  expect(needs("machine-host")).toMatchObject({
    memoryMiB: 192 + 1024 + 2 * 200,
    guests: ["domu1", "domu2"],
  });
  expect(needs("machine2-host")).toMatchObject({
    memoryMiB: 192 + 1024 + 200,
    guests: ["domu3"],
    network: "10.83.0.2/24",
    number: 1,
    link: "192.0.2.2",
  });
});

test("ssh knows all hosts, and reaches each domU through its own", async () => {
  const engine = await testbed();
  expect(engine.of("v4v:index:RunFolder")).toHaveLength(1);
  expect(engine.one("v4v:index:RunFolder").inputs).toMatchObject({
    reached: { host: HOSTS[0] },
    further: [{ name: "host2", reached: { host: HOSTS[1] } }],
  });
  expect(engine.one("v4v:index:Domain", "domu2").inputs).not.toHaveProperty("jump");
  expect(engine.one("v4v:index:Domain", "domu3").inputs.jump).toBe("host2");
});

test("a domU that moves to another host is made anew there, after the old one is gone", () => {
  const domain = resources.get("v4v:index:Domain");
  expect(domain?.replaceOn).toContain("jump");
  expect(domain?.createBeforeDelete).not.toBe(true);
});

test("each host has the rules about its own domUs", async () => {
  const rules = ["domu1 -> domu2 drop", "domu4 -> any drop", "any -> dom0:7 drop"];
  const engine = await testbed({ "v4v.rules": JSON.stringify(rules) });
  const text = (name: string) => String(engine.one("v4v:index:Rules", name).inputs.rules);
  expect(text("rules-table")).toContain("-s domu1 -d domu2");
  expect(text("rules-table")).not.toContain("domu4");
  expect(text("rules2-table")).toContain("-s domu4 -d any");
  expect(text("rules2-table")).not.toContain("domu1");
  for (const name of ["rules-table", "rules2-table"]) expect(text(name)).toContain("-d dom0:7");
});

test("a GPU is the first host's", async () => {
  const engine = await testbed({ "gpu.device": "0000:01:00.0" });
  expect(hostOf(engine.one("v4v:index:Domain", "gpu"))).toBe(HOSTS[0]);
  expect(engine.one("v4v:index:Host", "machine2-host").inputs.needs).toMatchObject({ gpu: false });
});

test("with remote execution each host is asked for the larger memory of its domUs, and the first for the GPU domU's", async () => {
  const engine = await testbed({ "remoteGpu.enabled": "true" });
  const memoryMiB = (name: string) => {
    const { needs } = engine.one("v4v:index:Host", name).inputs;
    return (needs as { memoryMiB: number }).memoryMiB;
  };
  const domUs = 2 * (256 + 8);
  expect(memoryMiB("machine2-host")).toBe(192 + 1024 + domUs);
  expect(memoryMiB("machine-host")).toBe(192 + 1024 + domUs + 1024 + 8 + 24);
  const routes = engine.one("v4v:index:Evaluation").inputs.gpu as { host: string }[];
  expect(routes.map(({ host }) => host)).toEqual(["gpu", "domu1", "domu1"]);
});

test("an evaluation measures the first host's domUs, and between the hosts", async () => {
  const engine = await testbed();
  const { inputs } = engine.one("v4v:index:Evaluation");
  expect(inputs.connection).toMatchObject({ host: HOSTS[0] });
  const names = (list: unknown) => (list as { name: string }[]).map(({ name }) => name);
  expect(names(inputs.domains)).toEqual(["domu1", "domu2"]);
  expect((inputs.elsewhere as unknown[]).map(names)).toEqual([["domu3", "domu4"]]);
  expect(JSON.stringify(inputs.facts)).not.toMatch(/rack|ssh-ed25519|192\.0\.2/);
  expect(inputs.facts).toMatchObject({ settings: { hosts: 2 } });
});
