import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { UNKNOWN, type Prior, type Properties } from "../../../../provider/resource.ts";
import { domainResource as domain } from "../../../../provider/resources/domain.ts";
import { hypervisorResource as hypervisor } from "../../../../provider/resources/hypervisor.ts";
import { moduleResource as module } from "../../../../provider/resources/module.ts";
import { writeDomainConfig } from "../../../../provider/ssh/clientConfig.ts";
import { newKey } from "../../../../provider/ssh/keys.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { hostInFolder } from "../../helpers/hostInFolder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const prior = (inputs: Properties, outputs: Properties = {}): Prior => ({
  id: "x",
  inputs,
  outputs,
});

/** A host whose toolstack is shell: it shows what the provider makes of xl's answers, and nothing about Xen. */
async function host(scripts: Record<string, string>): Promise<Properties> {
  const { connection } = await farSide({ programs: standIns(folder("bin"), scripts) });
  return { ...connection };
}

async function nobody(): Promise<Properties> {
  const far = await farSide();
  await far.stop();
  return { ...far.connection };
}

describe("a domU", () => {
  const inputs = (connection: Properties): Properties => ({
    connection,
    name: "unit-test-1",
    folder: folder("far"),
    runFolder: folder("run"),
  });
  const outputs = { domid: 3, cid: 5, hostPrivateKey: "kept" };
  const { publicKey: hostKey } = newKey("x");
  const known = { name: "unit-test-1", address: "10.83.0.11", hostKey };
  const xl = (state: string) =>
    `[ "$1" = domid ] && { echo 7; exit; }
[ "$1" = list ] && { echo 'Name ID Mem VCPUs State Time(s)'; echo 'unit-test-1 7 192 1 ${state} 4.2'; }`;

  test.each([
    ["-b----", "running"],
    ["r-----", "running"],
    ["--p---", "p"],
    ["---s--", "s"],
    ["----c-", "c"],
    ["-----d", "d"],
    ["--ps--", "p"],
  ])("in state %s is read as %s, with its id of now", async (letters, state) => {
    const given = inputs(await host({ xl: xl(letters) }));
    writeDomainConfig(folder("run"), known);
    const read = await domain.read(recordedContext(), prior(given, outputs));
    expect(read?.outputs).toEqual({ ...outputs, domid: 7, cid: 9, state });
    const next = domain.diff?.(prior(given, read?.outputs), given);
    expect(next?.changed ?? []).toEqual(state === "running" ? [] : ["state"]);
  });

  test("that ssh does not know on this computer is looked after, though it runs", () => {
    const given = inputs({});
    const running = prior(given, { ...outputs, state: "running" });
    expect(domain.diff?.(running, given).changed).toEqual(["runFolder"]);
    writeDomainConfig(folder("run"), known);
    expect(domain.diff?.(running, given).changed).toEqual([]);
    // In a preview the folder is not known yet.
    expect(domain.diff?.(running, { ...given, runFolder: UNKNOWN }).changed).toEqual([]);
  });

  test.each([
    ["131072", "running"],
    ["98304", "running with 96 MiB"],
  ])("with a balloon at %s KiB is read as %s", async (target, state) => {
    const scripts = { xl: xl("-b----"), "xenstore-read": `echo ${target}` };
    const given = { ...inputs(await host(scripts)), config: 'name = "x"\nmemory = 128\n' };
    const read = await domain.read(recordedContext(), prior(given, outputs));
    expect(read?.outputs.state).toBe(state);
  });

  test("that an answering dom0 does not know is gone", async () => {
    const given = inputs(await host({ xl: '[ "$2" = 0 ]' }));
    expect(await domain.read(recordedContext(), prior(given, outputs))).toBeUndefined();
  });

  test("that is not there, though its folder is, stays the engine's: to start again, or to remove with its unit", async () => {
    const given = inputs(await host({ xl: '[ "$2" = 0 ]' }));
    writeDomainConfig(folder("run"), known);
    mkdirSync(folder("far/domains/unit-test-1"), { recursive: true });
    const read = await domain.read(recordedContext(), prior(given, outputs));
    expect(read?.outputs).toEqual({ ...outputs, state: "gone" });
    expect(domain.diff?.(prior(given, read?.outputs), given).changed).toEqual(["state"]);
  });

  test("of a toolstack that does not know even dom0 is not gone: it may be starting yet", async () => {
    const given = inputs(await host({ xl: "echo 'no xenstored' >&2; exit 1" }));
    await expect(domain.read(recordedContext(1), prior(given, outputs))).rejects.toThrow(
      "no xenstored",
    );
  });

  test("of a dom0 that does not answer is not gone: an error", async () => {
    const given = inputs(await nobody());
    await expect(domain.read(recordedContext(1), prior(given, outputs))).rejects.toThrow(
      "looking for unit-test-1",
    );
  });

  test("is removed with its folder and its entry for ssh, the others' stay; twice is no error", async () => {
    const log = folder("log");
    const scripts = {
      xl: `echo "xl $*" >>'${log}'; [ ! -e '${folder("destroyed")}' ] || exit 1; [ "$1" != destroy ] || : >'${folder("destroyed")}'`,
      systemctl: `echo "systemctl $*" >>'${log}'`,
    };
    const given = inputs(await host(scripts));
    for (const name of ["unit-test-1", "unit-test-10"]) {
      mkdirSync(folder("far/domains", name), { recursive: true });
      mkdirSync(folder("run/ssh/domains"), { recursive: true });
      writeFileSync(folder(`run/ssh/domains/${name}.conf`), "");
    }
    // The link to the unit is the real one's; there is none of this name here to remove.
    await domain.delete(recordedContext(), prior(given));
    await domain.delete(recordedContext(), prior(given));
    expect(existsSync(folder("far/domains/unit-test-1"))).toBe(false);
    expect(existsSync(folder("run/ssh/domains/unit-test-1.conf"))).toBe(false);
    expect(existsSync(folder("far/domains/unit-test-10"))).toBe(true);
    expect(existsSync(folder("run/ssh/domains/unit-test-10.conf"))).toBe(true);
    const said = readFileSync(log, "utf8").split("\n");
    expect(said.filter((line) => line === "xl destroy unit-test-1")).toHaveLength(1);
    expect(said).toContain("systemctl stop v4v-domu@unit-test-1.service");
    expect(said.join()).not.toContain("unit-test-10");
  });

  test("that cannot be removed says which one and why", async () => {
    const scripts = {
      xl: '[ "$1" = domid ] || { echo "no permission" >&2; exit 5; }',
      systemctl: "",
    };
    const given = inputs(await host(scripts));
    await expect(domain.delete(recordedContext(), prior(given))).rejects.toThrow(
      /removing unit-test-1 on .* failed with exit code 5:\nno permission/,
    );
  });

  test("is known by its name, and wants all that it is made of", async () => {
    expect(domain.id({ name: "domu7" })).toBe("domu7");
    const { failures } = (await domain.check?.({ name: "domu7" }, undefined)) ?? {};
    expect(failures?.map(({ property }) => property)).toContain("connection");
    expect(failures?.map(({ property }) => property)).not.toContain("name");
  });

  test.each([
    ["name", "../x"],
    ["name", "domu1\n  ProxyCommand touch pwned"],
    ["name", "-x"],
    ["name", ""],
    ["address", "10.83.0.11 x"],
    ["address", "*"],
  ])(
    "is refused with the %s %j: it goes into paths, units and ssh's files",
    async (property, text) => {
      const given = { name: "domu7", address: "10.83.0.17", [property]: text };
      const { failures } = (await domain.check?.(given, undefined)) ?? {};
      expect(failures).toContainEqual({ property, reason: "is no name or address of a machine" });
      const right = await domain.check?.({ name: "domu7", address: "10.83.0.17" }, undefined);
      expect(JSON.stringify(right?.failures)).not.toContain("no name");
    },
  );
});

describe("a hypervisor", () => {
  const running = { runningBuildId: "b1", runningCommandLine: "placeholder v4v=1" };
  const wanted = { buildId: "b1", commandLine: "placeholder v4v=1" };

  test.each([
    ["the same", running, []],
    ["another build", { ...running, runningBuildId: "b2" }, ["runningBuildId"]],
    ["another command line", { ...running, runningCommandLine: "x" }, ["runningBuildId"]],
    ["none", { runningBuildId: "", runningCommandLine: "" }, ["runningBuildId"]],
  ])("that runs as %s is seen", (_what, outputs, changed) => {
    expect(hypervisor.diff?.(prior(wanted, outputs), wanted).changed ?? []).toEqual(changed);
  });

  test("whose file on the disk was replaced is seen, for the next boot takes that", async () => {
    const inputs = { ...wanted, imagePath: folder("xen.gz"), connection: await host({}) };
    writeFileSync(folder("xen.gz"), "ours");
    const ours = await hypervisor.read(recordedContext(), prior(inputs, running));
    const installed = ours?.outputs.found ?? "";
    const outputs = { ...ours?.outputs, ...running, installed, clockIsRight: true };
    expect(hypervisor.diff?.(prior(inputs, outputs), inputs).changed ?? []).toEqual([]);
    writeFileSync(folder("xen.gz"), "another");
    const read = await hypervisor.read(recordedContext(), prior(inputs, outputs));
    const seen = { ...read?.outputs, ...running, clockIsRight: true };
    expect(hypervisor.diff?.(prior(inputs, seen), inputs).changed).toEqual(["bootEntry"]);
  });

  test("that somebody else has booted is looked at for its clock", async () => {
    const inputs = { ...wanted, imagePath: folder("xen.gz"), connection: await host({}) };
    // No note of the boot that there is here.
    const read = await hypervisor.read(recordedContext(), prior(inputs, running));
    const installed = read?.outputs.found ?? "";
    const seen = { ...read?.outputs, ...running, installed };
    expect(hypervisor.diff?.(prior(inputs, seen), inputs).changed).toEqual(["clockIsRight"]);
  });

  test("is read as absent on a kernel without Xen: this computer's", async () => {
    const inputs = { ...wanted, imagePath: folder("xen.gz"), connection: await host({}) };
    const read = await hypervisor.read(recordedContext(), prior(inputs, running));
    expect(read?.outputs).toMatchObject({
      bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
      runningBuildId: "",
    });
  });

  test("of a host that does not answer is an error, not an absence", async () => {
    const inputs = { ...wanted, imagePath: folder("xen.gz"), connection: await nobody() };
    await expect(hypervisor.read(recordedContext(1), prior(inputs, running))).rejects.toThrow(
      "asking which hypervisor runs",
    );
  });
});

describe("a module", () => {
  const inputs = (connection: Properties): Properties => ({
    connection,
    dom0BootId: "b",
    source: folder("v4v.ko"),
    path: folder("far/v4v.ko"),
    srcversion: "5EC",
    unit: "v4v-unit-test.service",
    unitFile: "x",
  });

  test("that is not loaded is read as such, on this computer", async () => {
    const given = inputs(await host({}));
    const read = await module.read(recordedContext(), prior(given));
    expect(read?.inputs.srcversion).toBe("not loaded");
  });

  test("of a host that does not answer is an error, not an absence", async () => {
    const given = inputs(await nobody());
    await expect(module.read(recordedContext(1), prior(given))).rejects.toThrow(
      "looking at the V4V module",
    );
  });

  test("goes with the note of a change that was never applied", async () => {
    const units = folder("host/etc/systemd/system");
    mkdirSync(`${units}/multi-user.target.wants`, { recursive: true });
    for (const name of ["v4v-unit-test.service", "v4v-unit-test.service.pending", "other.service"])
      writeFileSync(`${units}/${name}`, "");
    const behaviour = hostInFolder(folder("host"), standIns(folder("bin"), { rmmod: "exit 0" }));
    const { connection } = await farSide({ behaviour });
    await module.delete(recordedContext(), prior(inputs({ ...connection })));
    expect(readdirSync(units).sort()).toEqual(["multi-user.target.wants", "other.service"]);
  });

  test("has the id of its unit and host", async () => {
    expect(module.id(inputs(await host({})))).toBe("v4v-unit-test.service@127.0.0.1");
  });
});
