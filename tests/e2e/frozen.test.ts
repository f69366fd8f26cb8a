import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cacheFolder } from "../../provider/host/folders.ts";
import { succeeded, takeDownAfterwards } from "./lifecycle.ts";
import { Testbed } from "./testbed.ts";

/** Two stacks that go on from one frozen machine, side by side on one controller. */
const first = new Testbed("one");
const second = new Testbed("two", first.clone);

/** Small enough for two at a time; and no other test's frozen machine serves. */
const SETTINGS = ["--profile", "none", "--machine-memory-mib", "2560"];

function frozenFolders(): string[] {
  const builds = join(cacheFolder(), "builds");
  return existsSync(builds)
    ? readdirSync(builds)
        .filter((name) => name.startsWith("frozen-"))
        .map((name) => join(builds, name))
    : [];
}

/** Whether any of the needles occurs in a file of any size. */
function contains(path: string, needles: Buffer[]): boolean {
  const longest = Math.max(...needles.map((needle) => needle.length));
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(8 * 2 ** 20 + longest);
    let carried = 0;
    for (;;) {
      const read = readSync(file, buffer, carried, buffer.length - carried, null);
      if (read === 0) return false;
      const view = buffer.subarray(0, carried + read);
      if (needles.some((needle) => view.includes(needle))) return true;
      carried = Math.min(longest, view.length);
      view.copy(buffer, 0, view.length - carried);
    }
  } finally {
    closeSync(file);
  }
}

takeDownAfterwards(first, second);

describe("a frozen machine", () => {
  const before = frozenFolders();

  it("is made by the first up that needs it, and that up goes on from it", async () => {
    const result = succeeded(await first.up(SETTINGS, 1800));
    console.log(`up that may have to freeze a machine first: ${result.seconds.toFixed(0)} s`);
    expect(result.output).toContain("going on from the frozen machine");
    expect(await first.on("domu1", "hostname")).toBe("domu1");
  });

  it("serves another stack beside the first: same machine, own identity, right time", async () => {
    const result = succeeded(await second.up(SETTINGS, 1800));
    console.log(`up from a frozen machine: ${result.seconds.toFixed(0)} s`);
    expect(result.output).toContain("going on from the frozen machine");
    expect(result.output).not.toContain("freezing a machine");
    const ask = (script: string) =>
      Promise.all([first.on("host", script), second.on("host", script)]);
    // One boot, which both go on from...
    const [bootOne, bootTwo] = await ask("cat /proc/sys/kernel/random/boot_id");
    expect(bootOne).toBe(bootTwo);
    // ... and nothing else in common that should be secret or unique.
    for (const script of [
      "cat /etc/ssh/ssh_host_ed25519_key.pub 2>/dev/null || ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key",
      "cat /root/.ssh/authorized_keys",
      "cat /etc/machine-id",
      "head -c 16 /dev/urandom | sha256sum",
    ]) {
      const [one, two] = await ask(script);
      expect(one.length).toBeGreaterThan(20);
      expect(one).not.toBe(two);
    }
    for (const time of await ask("date +%s"))
      expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(60);
    expect(await second.on("domu2", "hostname")).toBe("domu2");
  });

  it("brings domUs that were frozen waiting, each of which is its stack's and its own afterwards", async () => {
    const guests = [
      [first, "domu1"],
      [first, "domu2"],
      [second, "domu1"],
      [second, "domu2"],
    ] as const;
    const ask = (script: string) =>
      Promise.all(guests.map(([stack, name]) => stack.on(name, script)));
    // They are the first domains of that one boot of Xen: nothing was created since. A module that is newer than the
    // frozen machine was loaded on top of it, and says the same once more.
    const domids = await ask("dmesg | sed -n 's/.*v4v: domain \\([0-9]*\\),.*/\\1/p' | sort -u");
    expect([...domids].map(Number).sort()).toEqual([1, 1, 2, 2]);
    for (const script of [
      "ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key",
      "cat /proc/sys/kernel/random/boot_id",
      "cat /proc/sys/kernel/random/uuid",
      "head -c 16 /dev/urandom | sha256sum",
    ]) {
      const said = await ask(script);
      for (const one of said) expect(one.length, script).toBeGreaterThan(20);
      expect(new Set(said).size, script).toBe(guests.length);
    }
    const keys = await ask("cat /root/.ssh/authorized_keys");
    expect(keys[0]).toBe(keys[1]);
    expect(keys[0]).not.toBe(keys[2]);
    for (const time of await ask("date +%s"))
      expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(60);
    // What went over the console is in no log, and the hook that took it is gone.
    const key = (await first.on("domu1", "sed -n 2p /etc/ssh/ssh_host_ed25519_key")).slice(0, 40);
    expect(key).toHaveLength(40);
    expect(await first.on("host", "cat /var/log/xen/console/guest-domu1.log")).not.toContain(key);
    expect(await first.on("host", "journalctl -q --no-pager")).not.toContain(key);
    expect(await first.on("domu1", "ls /etc/v4v/boot.d")).toBe("10-sockets\n50-v4v");
  });

  it("is one way to have a domU among others: one that dies or is new is created", async () => {
    await second.on("host", "xl destroy domu1");
    succeeded(await second.up(["--vms", "3"], 900));
    expect(await second.on("domu1", "hostname")).toBe("domu1");
    expect(await second.on("domu3", "hostname")).toBe("domu3");
    const cid = await second.cidOf("domu2");
    expect(
      await second.on("domu1", `socat -u OPEN:/dev/null VSOCK-CONNECT:${cid}:5999 2>&1 || :`),
    ).toContain("Connection reset by peer");
  });

  it("holds no key of the stacks that it serves", () => {
    const made = frozenFolders();
    expect(made.length).toBeGreaterThan(0);
    console.log(`frozen machines: ${made.length}, of which new: ${made.length - before.length}`);
    const secrets = [first, second].flatMap(({ runFolder }) => {
      const lines = readFileSync(join(runFolder ?? "", "ssh", "id_ed25519"), "utf8").split("\n");
      const blob = Buffer.from(lines.slice(1, -2).join(""), "base64");
      // The key as text, and the 32 bytes of its seed as a program holds them.
      const publicHalf = blob.subarray(-200).lastIndexOf(Buffer.from("ssh-ed25519"));
      expect(publicHalf).toBeGreaterThan(0);
      const at = blob.length - Math.min(200, blob.length) + publicHalf + 11 + 4 + 32 + 4;
      return [Buffer.from(lines[2] ?? ""), Buffer.from(blob.subarray(at, at + 32))];
    });
    for (const secret of secrets) expect(secret.length).toBeGreaterThanOrEqual(32);
    for (const folder of made)
      for (const name of readdirSync(folder))
        expect(contains(join(folder, name), secrets), join(folder, name)).toBe(false);
    // The search finds what is there.
    const state = readFileSync(join(first.runFolder ?? "", "ssh", "id_ed25519"));
    expect(
      contains(join(first.runFolder ?? "", "ssh", "id_ed25519"), [state.subarray(40, 80)]),
    ).toBe(true);
  });

  it("is not disturbed by the end of one of them", async () => {
    succeeded(await first.destroy());
    expect(first.machines()).toEqual([]);
    expect(await second.on("domu1", "hostname")).toBe("domu1");
    succeeded(await second.destroy());
    expect(second.machines()).toEqual([]);
  });
});
