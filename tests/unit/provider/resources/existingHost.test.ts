import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Prior, Properties } from "../../../../provider/resource.ts";
import { Refused } from "../../../../provider/resource.ts";
import { hostResource as host } from "../../../../provider/resources/host.ts";
import { newKey } from "../../../../provider/ssh/keys.ts";
import { Remote } from "../../../../provider/ssh/remote.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import type { Connection } from "../../../../provider/ssh/target.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { hostInFolder } from "../../helpers/hostInFolder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

/** The patience of a login is 45 s: shorter here. */
vi.mock(import("../../../../provider/host/within.ts"), async (original) => {
  const { within } = await original();
  return { within: (signal, seconds) => within(signal, seconds === 45 ? 3 : seconds) };
});

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const needs = {
  memoryMiB: 16,
  dom0MemoryMiB: 1_000_000,
  dom0Vcpus: 1,
  gpu: false,
  guests: ["domu1"],
  bridge: "v4vbr0",
  network: "10.83.0.1/24",
};

const inputsOf = (connection: Connection, more: Properties = {}): Properties => ({
  connection: { ...connection } as unknown as Properties,
  state: "/var/lib/v4v-testbed-host",
  packages: ["xen-utils-4.20"],
  needs,
  folders: ["/etc/v4v-testbed"],
  ...more,
});

const refused = async (connection: Connection): Promise<string> => {
  const error: unknown = await host
    .ensure(recordedContext(), inputsOf(connection), undefined)
    .catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(Refused);
  return (error as Error).message;
};

/** The key in a file, as users have it. */
function keyFile(privateKey: string): string {
  writeFileSync(folder("key"), privateKey, { mode: 0o600 });
  return folder("key");
}

test("a host that is slow to answer is asked again", async () => {
  const connection = await debian();
  const calls: string[] = [];
  const line = createServer((near) => {
    near.on("error", () => undefined);
    calls.push(calls.length < 2 ? "cut" : "through");
    if (calls.at(-1) === "cut") near.destroy();
    else {
      const far = connect(connection.port, "127.0.0.1");
      far.on("error", () => near.destroy());
      near.on("close", () => far.destroy());
      near.pipe(far).pipe(near);
    }
  });
  await new Promise<void>((resolve) => line.listen(0, "127.0.0.1", resolve));
  const inputs = inputsOf({ ...connection, port: (line.address() as AddressInfo).port });
  const context = recordedContext();
  expect(await host.ensure(context, inputs, undefined)).toMatchObject({ machineId: "0123" });
  expect(calls).toEqual(["cut", "cut", "through"]);
  expect(context.statuses.filter((status) => status.startsWith("logging in; so far"))).toHaveLength(
    2,
  );
  line.close();
});

describe("a login that cannot work is said, with what to do", () => {
  test("nobody answers", async () => {
    const far = await farSide();
    await far.stop();
    expect(await refused(far.connection)).toMatch(/ECONNREFUSED.*is the host on/);
  });

  test("somebody else answers", async () => {
    const { connection } = await farSide();
    const said = await refused({ ...connection, hostKey: newKey("other").publicKey });
    expect(said).toMatch(/another host key.*hosts\[0\]\.hostKey/);
  });

  test("the key is not accepted", async () => {
    const { connection } = await farSide();
    const said = await refused({ ...connection, privateKey: newKey("other").privateKey });
    expect(said).toMatch(/key is not accepted.*authorized_keys/);
  });

  test("there is no such key file, or it needs a passphrase", async () => {
    const { hostKey, host: address, port, user } = (await farSide()).connection;
    const there = { host: address, port, user, hostKey };
    expect(await refused({ ...there, keyFile: folder("none") })).toMatch(/cannot be read.*keyFile/);
    const path = folder("locked");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "secret", "-f", path]);
    expect(await refused({ ...there, keyFile: path })).toMatch(/passphrase.*keyFile/i);
  });

  test("the user may not use sudo without a password", async () => {
    const programs = standIns(folder("bin"), {
      sudo: "echo 'sudo: a password is required' >&2; exit 1",
    });
    const { connection } = await farSide({ programs });
    const said = await refused({ ...connection, sudo: true });
    expect(said).toMatch(/a password is required.*NOPASSWD/);
  });
});

test("an up that ends before it has logged in leaves nothing to take down", async () => {
  const far = await farSide();
  await far.stop();
  const context = recordedContext();
  const ended = host.ensure(context, inputsOf(far.connection), undefined);
  context.abort("interrupted");
  const error: unknown = await ended.catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(Refused);
  expect((error as Error).message).toContain("before anything was changed");
});

test("a host that was never logged in to can be forgotten, one that was cannot", async () => {
  const { connection } = await farSide();
  const inputs = inputsOf({ ...connection, privateKey: newKey("other").privateKey });
  const way = "pulumi state delete 'urn:";
  await expect(
    host.delete(recordedContext(), { ...prior(inputs, {}), unfinished: true }),
  ).rejects.toThrow(way);
  const error: unknown = await host
    .delete(recordedContext(), prior(inputs, {}))
    .catch((failure: unknown) => failure);
  expect((error as Error).message).toContain("key is not accepted");
  expect((error as Error).message).not.toContain(way);
});

test("a key in a file logs in, and sudo runs what is asked for", async () => {
  const programs = standIns(folder("bin"), {
    sudo: `[ "$1 $2" = "-n --" ] && shift 2 && AS=root exec "$@"`,
  });
  const { connection } = await farSide({ programs });
  const { privateKey, ...rest } = connection;
  const remote = new Remote(
    { ...rest, keyFile: keyFile(privateKey), sudo: true },
    recordedContext().signal,
  );
  expect(await remote.run("asking", 'echo "$AS $1"', "it's me")).toBe("root it's me\n");
  await remote.write([{ path: folder("far/file"), mode: 0o640, content: "a 'text'\n" }]);
  expect(readFileSync(folder("far/file"), "utf8")).toBe("a 'text'\n");
});

/** A host that has everything but Xen's tools; `apt` writes down what it is asked for. */
async function debian(changes: Record<string, string> = {}): Promise<Connection> {
  for (const path of ["boot/grub", "etc", "run", "var/lib", "proc"])
    mkdirSync(folder(`host/${path}`), { recursive: true });
  const write = (path: string, text: string) => {
    writeFileSync(folder(`host/${path}`), text);
  };
  write("etc/os-release", 'ID=debian\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian 13"\n');
  write("etc/machine-id", "0123\n");
  write("proc/cmdline", "root=UUID=12ab ro quiet\n");
  write("proc/cpuinfo", "model name\t: a CPU\n");
  write("proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 8000000 kB\n");
  write("boot/grub/grub.cfg", 'set default="${next_entry}"\nsource custom.cfg\n');
  for (const name of ["vmlinuz", "initrd.img"]) write(`boot/${name}-6.12.9-amd64`, name);
  const apt = folder("apt");
  const programs = standIns(folder("bin"), {
    id: "echo 0",
    uname: '[ "$1" = -m ] && echo x86_64 || echo 6.12.9-amd64',
    nproc: "echo 4",
    df: "echo Avail; echo 99999999",
    "grub-probe": `
case $* in
--target=abstraction*) ;;
'--target=fs '*) echo ext2 ;;
*) echo 12ab ;;
esac`,
    "grub-mkrelpath": "echo /boot",
    "grub-editenv": "exit 0",
    "systemd-detect-virt": "echo none; exit 1",
    sshd: "echo allowtcpforwarding yes",
    systemctl: "exit 0",
    ip: '[ "$2" = link ] && echo "1: lo: x" || echo "default via 192.0.2.1 dev eno1"',
    dpkg: "exit 0",
    // One package more after apt has been at work.
    "dpkg-query": `
case $* in
*Status-Status*) [ "$4" != xen-utils-4.20 ] || [ ! -e '${apt}.there' ] || echo installed ;;
*Version*) echo 'ii bash 1'; [ ! -e '${apt}.there' ] || echo 'ii xen-utils-4.20 1' ;;
*)
  echo 'ii  bash'
  [ ! -e '${apt}.there' ] || echo 'ii  xen-utils-4.20'
  # What the owner has installed, and what apt has left half-way.
  [ ! -e '${apt}.more' ] || cat '${apt}.more'
  ;;
esac`,
    "apt-mark": "echo bash",
    "apt-get": `
echo "$*" >>'${apt}'
case $* in
"install --simulate "*) echo "Inst xen-utils-4.20:amd64 (4.20.0 Debian:13/stable [amd64])" ;;
*--simulate*) ;;
*install*) : >'${apt}.there' ;;
*purge*) rm '${apt}.there' ;;
esac`,
    ...changes,
  });
  return (await farSide({ behaviour: hostInFolder(folder("host"), programs) })).connection;
}

const prior = (inputs: Properties, outputs: Properties): Prior => ({ id: "x", inputs, outputs });
const STATE = () => folder("host/var/lib/v4v-testbed-host");

describe("a host", () => {
  test("is looked at, given what it lacks, and put back", async () => {
    const inputs = inputsOf(await debian());
    const context = recordedContext();
    const outputs = await host.ensure(context, inputs, undefined);
    expect(outputs).toMatchObject({
      machineId: "0123",
      kernel: "6.12.9-amd64",
      commandLine: "root=UUID=12ab ro quiet",
      bootUuid: "12ab",
      virtualisation: "none",
      memoryMiB: 8192,
    });
    expect(readFileSync(`${STATE()}/packages.added`, "utf8")).toBe("xen-utils-4.20\n");
    expect((await host.read(context, prior(inputs, outputs)))?.outputs).toEqual(outputs);

    // A second time there is nothing to do.
    const before = readFileSync(folder("apt"), "utf8");
    await host.ensure(context, inputs, prior(inputs, outputs));
    const installs = (text: string) =>
      text.split("\n").filter((line) => line.startsWith("install --yes"));
    expect(installs(readFileSync(folder("apt"), "utf8"))).toEqual(installs(before));

    // What Xen's daemons write, and what somebody has saved there.
    const ofXen = "host/var/lib/xen";
    const logs = "host/var/log/xen";
    for (const path of [`${ofXen}/save`, logs]) mkdirSync(folder(path), { recursive: true });
    const id = "0.00000000-0000-0000-0000-000000000000";
    for (const name of [`d.${id}.libxl-json`, `l.${id}.domain-userdata-lock`])
      writeFileSync(folder(`${ofXen}/userdata-${name}`), "{}");
    for (const name of ["xenstored.log", "xenstored-access.log", "xenstored-access.log.1"])
      writeFileSync(folder(`${logs}/${name}`), "");
    writeFileSync(folder(`${ofXen}/saved`), "a domU");

    await host.delete(context, prior(inputs, outputs));
    expect(readdirSync(folder(ofXen))).toEqual(["saved"]);
    expect(readdirSync(folder(logs))).toEqual([]);
    expect(existsSync(folder("apt.there"))).toBe(false);
    expect(existsSync(STATE())).toBe(false);
    expect(context.warnings).toEqual([]);
    expect(context.statuses.at(-1)).toContain("is as it was before");
    expect(await host.read(context, prior(inputs, outputs))).toBeUndefined();
  });

  test("whose packages came before an interruption gives them back, too", async () => {
    const inputs = inputsOf(await debian());
    const context = recordedContext();
    const outputs = await host.ensure(context, inputs, undefined);
    // As it was when the connection was lost: apt had just ended.
    rmSync(`${STATE()}/packages.added`);
    writeFileSync(`${STATE()}/packages.before`, "bash\n");
    writeFileSync(`${STATE()}/packages.planned`, "xen-utils-4.20\nxenstore-utils\n");
    // And its owner has installed something since.
    writeFileSync(folder("apt.more"), "ii  htop\n");
    await host.ensure(context, inputs, prior(inputs, outputs));
    expect(readFileSync(`${STATE()}/packages.added`, "utf8")).toBe("xen-utils-4.20\n");
    expect(existsSync(`${STATE()}/packages.before`)).toBe(false);
  });

  test("whose apt failed keeps what its owner installs until the next attempt", async () => {
    const connection = await debian();
    const inputs = inputsOf(connection);
    const apt = readFileSync(folder("bin/apt-get"), "utf8").split("\n").slice(1).join("\n");
    standIns(folder("bin"), {
      "apt-get": `case $* in "install --yes"*) echo 'E: unreachable' >&2; exit 100 ;; esac\n${apt}`,
    });
    const ensure = () => host.ensure(recordedContext(), inputs, undefined);
    await expect(ensure()).rejects.toThrow(/exit code 100:\nE: unreachable/);
    // He sees whether it works now, himself.
    writeFileSync(folder("apt.there"), "");
    await ensure();
    expect(readFileSync(`${STATE()}/packages.added`, "utf8")).toBe("");
    await host.delete(recordedContext(), prior(inputs, {}));
    expect(existsSync(folder("apt.there"))).toBe(true);
  });

  test("keeps what somebody else installs while apt is at work", async () => {
    const connection = await debian();
    const apt = readFileSync(folder("bin/apt-get"), "utf8").split("\n").slice(1).join("\n");
    standIns(folder("bin"), {
      "apt-get": `case $* in "install --yes"*) echo 'ii  htop' >'${folder("apt.more")}' ;; esac\n${apt}`,
    });
    await host.ensure(recordedContext(), inputsOf(connection), undefined);
    expect(readFileSync(`${STATE()}/packages.added`, "utf8")).toBe("xen-utils-4.20\n");
  });

  test("gives back what an apt that failed half-way has brought", async () => {
    const connection = await debian();
    const inputs = inputsOf(connection);
    const apt = readFileSync(folder("bin/apt-get"), "utf8").split("\n").slice(1).join("\n");
    standIns(folder("bin"), {
      "apt-get": `
case $* in
"install --yes"*) echo 'iU  xen-utils-4.20' >'${folder("apt.more")}'; exit 100 ;;
"purge --yes"*xen-utils-4.20*) rm '${folder("apt.more")}'; exit ;;
esac
${apt}`,
    });
    await expect(host.ensure(recordedContext(), inputs, undefined)).rejects.toThrow("code 100");
    await host.delete(recordedContext(), prior(inputs, {}));
    expect(existsSync(folder("apt.more"))).toBe(false);
  });

  test("gives back what came before an up that was cut short, and nobody ran again", async () => {
    const inputs = inputsOf(await debian());
    const outputs = await host.ensure(recordedContext(), inputs, undefined);
    rmSync(`${STATE()}/packages.added`);
    writeFileSync(`${STATE()}/packages.before`, "bash\n");
    writeFileSync(`${STATE()}/packages.planned`, "xen-utils-4.20\n");
    await host.delete(recordedContext(), prior(inputs, outputs));
    expect(existsSync(folder("apt.there"))).toBe(false);
  });

  test("on which an apt of a lost connection still runs has no second one beside it", async () => {
    const log = folder("apt");
    const flock = `echo "flock $*" >>'${log}'; exec /usr/bin/flock "$@"`;
    const inputs = inputsOf(await debian({ flock }));
    mkdirSync(STATE(), { recursive: true });
    // Until it is waited for.
    const script = `exec 9>>"$1"; flock 9; echo held; read -r _; echo "the first has ended" >>"$2"`;
    const first = spawn("sh", ["-c", script, "sh", `${STATE()}/packages.lock`, log]);
    await new Promise((resolve) => first.stdout.once("data", resolve));
    const second = host.ensure(recordedContext(), inputs, undefined);
    await vi.waitFor(
      () => {
        expect(readFileSync(log, "utf8")).toMatch(/^flock /m);
      },
      { timeout: 20_000 },
    );
    first.stdin.end("\n");
    await second;
    const said = readFileSync(log, "utf8").split("\n");
    const place = (start: string) => said.findIndex((line) => line.startsWith(start));
    expect(place("install --yes")).toBeGreaterThan(place("the first has ended"));
    // Whoever installs has the lock, too, and not only looked whether somebody else had.
    expect(said.filter((line) => /^flock .* 9$/.test(line))).toHaveLength(1);
  });

  test("keeps its empty folders, if nobody has come so far as to look which there are", async () => {
    const inputs = inputsOf(await debian());
    mkdirSync(folder("host/etc/v4v-testbed"), { recursive: true });
    await host.delete(recordedContext(), { ...prior(inputs, {}), unfinished: true });
    expect(existsSync(folder("host/etc/v4v-testbed"))).toBe(true);
  });

  test("keeps its own empty folders, and no others", async () => {
    const folders = ["/etc/v4v-testbed", "/var/log/xen/console", "/var/log/xen"];
    const inputs = inputsOf(await debian(), { folders });
    mkdirSync(folder("host/var/log/xen"), { recursive: true });
    const outputs = await host.ensure(recordedContext(), inputs, undefined);
    for (const path of ["etc/v4v-testbed", "var/log/xen/console"])
      mkdirSync(folder(`host/${path}`));
    await host.delete(recordedContext(), prior(inputs, outputs));
    expect(readdirSync(folder("host/var/log"))).toEqual(["xen"]);
    expect(readdirSync(folder("host/var/log/xen"))).toEqual([]);
    expect(existsSync(folder("host/etc/v4v-testbed"))).toBe(false);
  });

  test("is told of a folder that is left, though it lacks one of those that are looked at", async () => {
    const inputs = inputsOf(await debian());
    const context = recordedContext();
    const outputs = await host.ensure(context, inputs, undefined);
    expect(existsSync(folder("host/usr/local"))).toBe(false);
    mkdirSync(folder("host/etc/left"));
    await host.delete(context, prior(inputs, outputs));
    expect(context.warnings.join("\n")).toMatch(/1 differences.*\n.*now: file \S*\/etc\/left\/$/);
  });

  test("keeps what its own domUs need while they run; whoever had Xen before gives the rest back", async () => {
    const xl = `
case $1 in
info) echo "total_memory : 8192"; echo "nr_cpus : 4" ;;
list) echo Name; echo Domain-0; echo domu1 1; echo web 7 ;;
esac`;
    const inputs = inputsOf(await debian({ xl }));
    const outputs = await host.ensure(recordedContext(), inputs, undefined);
    const wants = "host/etc/systemd/system/multi-user.target.wants";
    for (const path of ["host/proc/xen", wants]) mkdirSync(folder(path), { recursive: true });
    writeFileSync(folder("host/proc/xen/capabilities"), "control_d\n");
    // A domU of the testbed's is none of the host's own.
    symlinkSync("x", folder(`${wants}/v4v-domu@domu1.service`));
    const ending = host.delete(recordedContext(), prior(inputs, outputs));
    await expect(ending).rejects.toThrow(/still runs web, which need .* that the testbed brought/);
    expect(existsSync(folder("apt.there"))).toBe(true);
    writeFileSync(`${STATE()}/packages.added`, "xz-utils\n");
    await host.delete(recordedContext(), prior(inputs, outputs));
    expect(existsSync(folder("apt.there"))).toBe(true);
    expect(existsSync(STATE())).toBe(false);
  });

  test("whose toolstack does not answer has the memory that its kernel tells", async () => {
    mkdirSync(folder("host/proc/xen"), { recursive: true });
    writeFileSync(folder("host/proc/xen/capabilities"), "control_d\n");
    const inputs = inputsOf(await debian({ xl: '[ "$1" != list ] || echo Name; [ "$1" = list ]' }));
    const outputs = await host.ensure(recordedContext(), inputs, undefined);
    expect(outputs).toMatchObject({ memoryMiB: 8192, cores: 4 });
  });

  test("whose toolstack does not tell what runs is waited for as it boots, and not taken to run nothing", async () => {
    mkdirSync(folder("host/proc/xen"), { recursive: true });
    writeFileSync(folder("host/proc/xen/capabilities"), "control_d\n");
    const connection = await debian({
      xl: `
[ "$1" = list ] || exit 1
: >>'${folder("asked")}'
[ "$(wc -c <'${folder("asked")}')" -ge 2 ] && { echo Name; echo Domain-0; echo web 7; exit; }
printf x >>'${folder("asked")}'
exit 1`,
      systemctl: `[ "$1" != is-system-running ] || cat '${folder("state")}'`,
    });
    writeFileSync(folder("state"), "degraded\n");
    expect(await refused(connection)).toMatch(
      /1 thing .*\n.*toolstack does not tell which domUs run/,
    );
    writeFileSync(folder("state"), "starting\n");
    expect(await refused(connection)).toMatch(/1 thing .*\n.*runs web: the reboot/);
    expect(existsSync(STATE())).toBe(false);
  });

  test("whose toolstack does not tell in the end keeps what it needs", async () => {
    const inputs = inputsOf(await debian({ xl: "exit 1" }));
    const outputs = await host.ensure(recordedContext(), inputs, undefined);
    mkdirSync(folder("host/proc/xen"), { recursive: true });
    writeFileSync(folder("host/proc/xen/capabilities"), "control_d\n");
    const ending = host.delete(recordedContext(), prior(inputs, outputs));
    await expect(ending).rejects.toThrow(/does not tell whether domUs need it/);
    expect(existsSync(folder("apt.there"))).toBe(true);
  });

  test("that has the project's packages from somebody else keeps them, and is not touched", async () => {
    const connection = await debian({ "dpkg-query": '[ "$4" != v4v-dom0 ] || echo installed' });
    expect(await refused(connection)).toMatch(/has v4v-dom0 already/);
    expect(existsSync(STATE())).toBe(false);
  });

  test("that lacks several things is told all of them, and is not touched", async () => {
    const connection = await debian({ sshd: "exit 0", nproc: "echo 0" });
    const said = await refused(connection);
    expect(said).toMatch(/2 things to see to, nothing was changed/);
    expect(said).toMatch(/AllowTcpForwarding/);
    expect(existsSync(STATE())).toBe(false);
  });

  test("that differs in the end from what it was is told what differs", async () => {
    const inputs = inputsOf(await debian());
    const context = recordedContext();
    const outputs = await host.ensure(context, inputs, undefined);
    writeFileSync(folder("bin/apt-mark"), "#!/bin/sh\necho bash; echo htop\n");
    await host.delete(context, prior(inputs, outputs));
    expect(context.warnings.join("\n")).toContain("now: manual htop");
  });

  test("that runs the testbed's entry is known as it last booted by itself", async () => {
    const inputs = inputsOf(await debian());
    const first = await host.ensure(recordedContext(), inputs, undefined);
    const cmdline = folder("host/proc/cmdline");
    writeFileSync(cmdline, "root=UUID=12ab ro splash\n");
    const seen = await host.read(recordedContext(), prior(inputs, first));
    writeFileSync(cmdline, "root=UUID=12ab ro quiet v4v_testbed\n");
    const again = await host.ensure(recordedContext(), inputs, prior(inputs, seen?.outputs ?? {}));
    expect(again).toMatchObject({ commandLine: "root=UUID=12ab ro splash" });
    // Without a state, as it was noted there.
    expect(await host.ensure(recordedContext(), inputs, undefined)).toEqual(first);
  });

  test("is not given up by a look at another machine", async () => {
    const inputs = inputsOf(await debian());
    const outputs = { machineId: "another" };
    await expect(host.ensure(recordedContext(), inputs, prior(inputs, outputs))).rejects.toThrow(
      /another machine than the one of this stack/,
    );
  });
});
