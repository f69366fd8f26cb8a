import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
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

describe("a login that cannot work is said at once, with what to do", () => {
  test("nobody answers", async () => {
    const far = await farSide();
    await far.stop();
    expect(await refused(far.connection)).toMatch(/is the host on/);
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
*) echo 'ii  bash'; [ ! -e '${apt}.there' ] || echo 'ii  xen-utils-4.20' ;;
esac`,
    "apt-mark": "echo bash",
    "apt-get": `
echo "$*" >>'${apt}'
case $* in
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
    mkdirSync(folder(ofXen));
    const json = `userdata-d.0.00000000-0000-0000-0000-000000000000.libxl-json`;
    writeFileSync(folder(`${ofXen}/${json}`), "{}");
    writeFileSync(folder(`${ofXen}/saved`), "a domU");

    await host.delete(context, prior(inputs, outputs));
    expect(readdirSync(folder(ofXen))).toEqual(["saved"]);
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
    await host.ensure(context, inputs, prior(inputs, outputs));
    expect(readFileSync(`${STATE()}/packages.added`, "utf8")).toBe("xen-utils-4.20\n");
    expect(existsSync(`${STATE()}/packages.before`)).toBe(false);
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
