import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { FILES } from "../../provider/qemu/arguments.ts";
import type { Testbed } from "./testbed.ts";

/** What can be seen of the hypervisor from outside: its accounts of rings and memory, and what it says. */

/** What Xen prints when something is wrong with it. */
const DISTRESS = /Assertion '|Panic on CPU|Xen BUG at|Xen WARN at|Xen call trace|FATAL|Watchdog/;

export interface Account {
  rings: number;
  bytes: number;
  waiters: number;
}

export class HypervisorView {
  readonly #testbed: Testbed;

  constructor(testbed: Testbed) {
    this.#testbed = testbed;
  }

  /** What Xen prints for a debug key, from its heading on. */
  async #dump(key: string, heading: string): Promise<string> {
    const log = await this.#testbed.step("host", `xl debug-keys ${key} && sleep 1 && xl dmesg`);
    const at = log.lastIndexOf(heading);
    expect(at, log.slice(-2000)).toBeGreaterThanOrEqual(0);
    return log.slice(at);
  }

  /** V4V's accounts, by domain id. */
  async rings(): Promise<Map<number, Account>> {
    const text = await this.#dump("4", "dumping V4V rings");
    const lines = text.matchAll(/V4V: d(\d+): (\d+) rings, (\d+) bytes, (\d+) waiters/g);
    return new Map(
      [...lines].map(([, domid, rings, bytes, waiters]): [number, Account] => [
        Number(domid),
        { rings: Number(rings), bytes: Number(bytes), waiters: Number(waiters) },
      ]),
    );
  }

  /** The accounts once they stay as they are. */
  async settledRings(): Promise<Map<number, Account>> {
    let last = await this.rings();
    for (let i = 0; i < 10; i++) {
      const now = await this.rings();
      if (equal(now, last)) return now;
      last = now;
    }
    throw new Error(`rings come and go: ${JSON.stringify([...last])}`);
  }

  /** Waits until the accounts are what they were: the ends of connections are told by messages. */
  async ringsAre(before: Map<number, Account>): Promise<void> {
    let now = await this.rings();
    for (let i = 0; i < 10 && !equal(now, before); i++) now = await this.rings();
    expect(now).toEqual(before);
  }

  /** Free memory of the heaps, KiB. */
  async freeKiB(): Promise<number> {
    const text = await this.#dump("m", "Physical memory information:");
    const zones = [...text.matchAll(/(?:Xen heap|heap\[\d+\]): (\d+)kB free/g)];
    expect(zones.length, text).toBeGreaterThan(1);
    return zones.reduce((sum, [, kib]) => sum + Number(kib), 0);
  }

  /** Memory that dom0 could hand out to programs, KiB. */
  async dom0AvailableKiB(): Promise<number> {
    const script =
      "sync; echo 3 >/proc/sys/vm/drop_caches; sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo";
    return Number(await this.#testbed.step("host", script));
  }

  /** Begins to listen to the console that Xen and dom0 share. */
  listen(): Listener {
    return new Listener(join(this.#testbed.runFolder ?? "", FILES.console));
  }

  /** dom0's console and a domU's: what is written there comes out. */
  async consolesAnswer(domU: string): Promise<void> {
    const token = `still here ${Date.now()}`;
    const listener = this.listen();
    for (const name of ["host", domU]) await this.#testbed.step(name, `echo '${token}' >/dev/hvc0`);
    const logged = `for i in $(seq 50); do ! grep -q '${token}' /var/log/xen/console/guest-${domU}.log || exit 0; sleep 0.2; done; exit 1`;
    await this.#testbed.step("host", logged);
    for (let i = 0; i < 50 && !listener.heard().includes(token); i++)
      await new Promise((resolve) => setTimeout(resolve, 200));
    expect(listener.heard()).toContain(token);
  }
}

function equal(a: Map<number, Account>, b: Map<number, Account>): boolean {
  const text = (map: Map<number, Account>) => JSON.stringify([...map].sort(([x], [y]) => x - y));
  return text(a) === text(b);
}

/** A console from a moment on. */
export class Listener {
  readonly #path: string;
  readonly #from: number;
  readonly #since = Date.now();

  constructor(path: string) {
    this.#path = path;
    this.#from = existsSync(path) ? statSync(path).size : 0;
  }

  heard(): string {
    return readFileSync(this.#path).subarray(this.#from).toString("latin1");
  }

  /** No crash and no assertion. */
  expectNoDistress(): void {
    expect(this.heard()).not.toMatch(DISTRESS);
  }

  /** Nor more of Xen's lines than the throttle for what guests provoke lets through. */
  expectCalm(): void {
    this.expectNoDistress();
    const lines = this.heard()
      .split("\n")
      .filter((line) => line.includes("(XEN)"));
    expect(lines.length, lines.slice(-20).join("\n")).toBeLessThan(mostLines(this.#since));
    console.log(`the hypervisor said ${lines.length} lines`);
  }
}

/**
 * Lines that a throttled log may have grown by: Xen and Linux let 10 messages pass in 5 s, with a line that counts
 * those that were held back.
 */
export function mostLines(since: number): number {
  return 30 + (3 * (Date.now() - since)) / 1000;
}
