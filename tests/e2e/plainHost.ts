import { readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach } from "vitest";
import { machineClock } from "./pause.ts";
import { build } from "../../provider/build/cache.ts";
import { sourceDigest } from "../../provider/build/key.ts";
import { sourcesOf } from "../../provider/build/sources.ts";
import { consoleTail } from "../../provider/host/console.ts";
import { chooseFreePort } from "../../provider/host/ports.ts";
import { end, type ProcessIdentity } from "../../provider/host/processes.ts";
import { within } from "../../provider/host/within.ts";
import { FILES, type MachineSpec } from "../../provider/qemu/arguments.ts";
import { findFirmware } from "../../provider/qemu/firmware.ts";
import { waitForLogin } from "../../provider/qemu/identity.ts";
import { machineProcesses, prepareDisk, startMachine } from "../../provider/qemu/machine.ts";
import type { Context } from "../../provider/resource.ts";
import { newKey } from "../../provider/ssh/keys.ts";
import { quote } from "../../provider/ssh/quote.ts";
import { Remote } from "../../provider/ssh/remote.ts";
import { hangUp } from "../../provider/ssh/session.ts";
import type { Connection } from "../../provider/ssh/target.ts";

/** How long a boot may take, s. */
const BOOT_S = 600;

/** What the owner of a host hands over. */
export interface HandedOver {
  address: string;
  port: number;
  /** A file with a private key. */
  keyFile: string;
  hostKey: string;
}

/** Path in the cache of the distribution's package lists, which are fetched if they are not there. */
export async function packageLists(project: string): Promise<string> {
  const recipe = {
    name: "index",
    parameters: { SUITE: "trixie", MIRROR: "" },
    sources: [],
    dependencies: {},
  };
  const digest = sourceDigest(project, recipe);
  const signal = AbortSignal.timeout(600_000);
  return (await build(project, recipe, digest, signal, () => undefined)).path;
}

/** A network between two hosts: their second interfaces. */
export interface PlainLink {
  port: number;
  peer: number;
  mac: string;
  /** With prefix length. */
  address: string;
}

/** Its owner's configuration of the link, ahead of what asks for addresses on every interface. */
const linkFile = ({ mac, address }: PlainLink): string =>
  `[Match]\nMACAddress=${mac}\n[Network]\nAddress=${address}\nLinkLocalAddressing=no\n`;

/** How it was booted, what of it failed, and what it said last. */
const TELL = `
cat /proc/cmdline
systemctl --no-pager --no-legend --plain --failed
xl list 2>&1 || :
journalctl -b -q --no-pager -o short -n 60`;

/** Right after sshd the bus may not answer, and then nothing is waited for. */
const STARTED = `
for i in $(seq 60); do
  case $(systemctl is-system-running --wait 2>/dev/null) in
  running | degraded) exit 0 ;;
  esac
  sleep 2
done
systemctl list-jobs --no-pager >&2
exit 1`;

/** Somebody else's Debian host: an emulated machine that the testbed knows nothing of but how to log in. */
export class PlainHost {
  readonly folder: string;
  readonly handedOver: HandedOver;
  readonly #marker: string;
  readonly #connection: Connection;
  readonly #identity: { hostPrivateKey: string; authorizedKeys: string };
  #process: ProcessIdentity | undefined;
  #spec: MachineSpec | undefined;
  readonly #link: PlainLink | undefined;

  private constructor(
    port: number,
    link: PlainLink | undefined,
    folder = mkdtempSync(join(tmpdir(), "v4v-plain-")),
  ) {
    this.#link = link;
    const host = newKey("plain");
    const login = newKey("owner");
    this.folder = folder;
    this.#marker = `v4v-plain-${port}-${process.pid}`;
    const keyFile = join(folder, "key");
    writeFileSync(keyFile, login.privateKey, { mode: 0o600 });
    this.handedOver = { address: "127.0.0.1", port, keyFile, hostKey: host.publicKey };
    this.#identity = { hostPrivateKey: host.privateKey, authorizedKeys: login.publicKey };
    this.#connection = {
      host: "127.0.0.1",
      port,
      user: "root",
      privateKey: login.privateKey,
      hostKey: host.publicKey,
    };
  }

  /**
   * Makes the image if need be and boots it; GRUB's configuration is then what the host's own tools generate.
   *
   * @param index path of the package lists in the cache
   */
  static async boot(
    project: string,
    index: string,
    { memoryMiB = 3072, link }: { memoryMiB?: number; link?: PlainLink } = {},
  ): Promise<PlainHost> {
    const release = readFileSync(join(index, "facts", "release-sha256"), "utf8").trim();
    const recipe = {
      name: "plain-host",
      parameters: { DISK_MIB: "4096", RELEASE_SHA256: release },
      sources: sourcesOf("plain-host"),
      dependencies: { index },
    };
    const signal = AbortSignal.timeout(600_000);
    const digest = sourceDigest(project, recipe);
    const image = await build(project, recipe, digest, signal, () => undefined);
    const host = new PlainHost(await chooseFreePort(), link);
    try {
      await host.#start(join(image.path, "disk.img"), memoryMiB);
    } catch (error) {
      const tail = consoleTail(join(host.folder, FILES.console), 30);
      await host.remove();
      throw new Error(`the plain host did not come up; its console ends with:\n${tail}`, {
        cause: error,
      });
    }
    return host;
  }

  async #start(image: string, memoryMiB: number): Promise<void> {
    const firmware = findFirmware();
    if (firmware === undefined) throw new Error("no UEFI firmware (OVMF) is installed");
    await prepareDisk(this.folder, { path: image, format: "raw" }, firmware.variables);
    this.#spec = {
      marker: this.#marker,
      accelerator: "tcg",
      cpus: 2,
      memoryMiB,
      sshPort: this.handedOver.port,
      firmwareCode: firmware.code,
      // Its hypervisor is started by the distribution's GRUB, and then takes longer than the ACPI timer to wrap (4.7 s).
      hpet: true,
      ...(this.#link !== undefined && { link: this.#link }),
    };
    await this.switchOn();
    const quiet = () => undefined;
    const context: Context = {
      urn: "",
      signal: AbortSignal.timeout(BOOT_S * 1000),
      status: quiet,
      info: quiet,
      warn: quiet,
    };
    const { folder } = this;
    await waitForLogin(context, { folder, connection: this.#connection, ...this.#identity }, true);
    await this.on("update-grub 2>&1", 300);
    if (this.#link !== undefined)
      await this.on(
        `echo ${quote(linkFile(this.#link))} >/etc/systemd/network/05-link.network; networkctl reload`,
      );
  }

  /** As somebody who pulls the plug. */
  async switchOff(): Promise<void> {
    await hangUp(this.#connection);
    // Killed, QEMU would leave a disk with more wrong than a plug pulled.
    if (this.#process !== undefined) await end(this.#process, 15_000);
  }

  /** sshd answers long before the units have made the domUs; "degraded" is an answer, too. */
  async started(): Promise<void> {
    await this.on(STARTED, 900);
  }

  async switchOn(): Promise<void> {
    if (this.#spec === undefined) throw new Error("it has not been set up");
    this.#process = await startMachine(this.folder, this.#spec);
  }

  async standsStill(): Promise<void> {
    await machineClock(this.folder, "stop");
    this.#signal("SIGSTOP");
  }

  async goesOn(): Promise<void> {
    this.#signal("SIGCONT");
    await machineClock(this.folder, "cont");
  }

  #signal(signal: "SIGSTOP" | "SIGCONT"): void {
    if (this.#process === undefined) throw new Error("it is switched off");
    process.kill(this.#process.pid, signal);
  }

  /** As its owner sees it: a script on the host, as root. */
  async on(script: string, seconds = 120): Promise<string> {
    const remote = new Remote(this.#connection, within(new AbortController().signal, seconds));
    return (await remote.run("asking the plain host", script)).trim();
  }

  /** Waits until it has been booted again. */
  async rebooted(since: string, seconds: number): Promise<void> {
    const until = Date.now() + seconds * 1000;
    let seen = "nothing";
    while (Date.now() < until) {
      await hangUp(this.#connection);
      try {
        seen = await this.on("cat /proc/sys/kernel/random/boot_id", 30);
        if (seen !== since) return;
      } catch (error) {
        seen = String(error);
      }
      await setTimeout(1000);
    }
    throw new Error(`the plain host was not booted again within ${seconds} s; last seen: ${seen}`);
  }

  /** The end of its console, for a failed test. */
  consoleEnd(): string {
    return consoleTail(join(this.folder, FILES.console), 120);
  }

  /** The same, with what it says itself if it answers. */
  async tell(): Promise<string> {
    const journal = await this.on(TELL, 60).catch(
      (error: unknown) => `(no answer: ${String(error)})`,
    );
    return `console:\n${this.consoleEnd()}\nby itself:\n${journal}`;
  }

  async remove(): Promise<void> {
    await hangUp(this.#connection);
    if (this.#process !== undefined) await end(this.#process, 2000);
    for (const process of machineProcesses(this.#marker)) await end(process, 2000);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** For a file of tests: what its hosts say where a test failed. */
export function tellsOnFailure(hosts: () => readonly PlainHost[]): void {
  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    for (const [i, host] of hosts().entries()) console.log(`host ${i + 1}, ${await host.tell()}`);
  }, 180_000);
}
