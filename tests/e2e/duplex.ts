import { join } from "node:path";
import { expect } from "vitest";
import { guestAddress } from "../../components/network.ts";
import type { Testbed } from "./testbed.ts";

/** Connections that are busy both ways between two domains; both ends check every byte (tests/duplex). */

const PROGRAM = "/usr/local/bin/duplex";

/** What they are: sockets of AF_VSOCK, and a TCP connection of a program under v4vrun. */
const KINDS = [
  { kind: "stream", port: 6200, prefix: "" },
  { kind: "seqpacket", port: 6201, prefix: "" },
  { kind: "tcp", port: 6202, prefix: "v4vrun" },
] as const;

type Kind = (typeof KINDS)[number]["kind"];

/** How many bytes an end has sent and received so far, by kind. */
export type Counts = { sent: number; received: number }[];

export class Duplex {
  /** The listening end first. */
  readonly ends: readonly [string, string];
  readonly #testbed: Testbed;
  readonly #kinds: readonly (typeof KINDS)[number][];

  constructor(testbed: Testbed, ends: readonly [string, string], only?: Kind) {
    this.#testbed = testbed;
    this.ends = ends;
    this.#kinds = KINDS.filter(({ kind }) => kind === (only ?? kind));
  }

  #both<T>(act: (end: string) => Promise<T>): Promise<[T, T]> {
    return Promise.all([act(this.ends[0]), act(this.ends[1])]);
  }

  async place(): Promise<void> {
    const { path } = await this.#testbed.build("duplex");
    for (const end of this.ends) this.#testbed.copy(end, join(path, "duplex"), PROGRAM);
  }

  /** One of each kind, which has moved if it is TCP's. */
  async start(): Promise<void> {
    const [listener] = this.ends;
    const cid = await this.#testbed.cidOf(listener);
    const { address } = guestAddress(Number(listener.replace("domu", "")));
    await this.#both((end) => {
      const role = end === this.ends[0] ? "listen" : "connect";
      const commands = this.#kinds.map(({ kind, port, prefix }) => {
        const place = `${kind === "tcp" ? address : cid} ${port}`;
        // Last in turn: a login must come through beside them.
        return `run ${kind} nice -n 19 ${prefix} ${PROGRAM} ${role} ${kind} ${place} /run/duplex-${kind}.status`;
      });
      return this.#testbed.step(
        end,
        `rm -f /run/duplex-*
        run() {
          kind=$1; shift
          nohup sh -c '"$@" & echo $! >'/run/duplex-$kind.pid'; wait $!; echo "exit code $?"' sh "$@" >/run/duplex-$kind.log 2>&1 &
        }
        ${commands.join("\n")}
        for i in $(seq 600); do [ "$(ls /run/duplex-*.status 2>/dev/null | wc -l)" != ${this.#kinds.length} ] || exit 0; sleep 0.1; done
        cat /run/duplex-*.log; exit 1`,
        300,
      );
    });
  }

  /** Whether the TCP connection goes by V4V. */
  async hasMoved(): Promise<boolean> {
    const sockets = await this.#testbed.step(this.ends[0], "cat /proc/v4v/sockets");
    return /:6202 .* moved /.test(sockets);
  }

  async #signal(end: string, signal: string): Promise<void> {
    await this.#testbed.step(end, `kill -${signal} $(cat /run/duplex-*.pid)`);
  }

  stopReading(end: string): Promise<void> {
    return this.#signal(end, "USR1");
  }

  readOn(end: string): Promise<void> {
    return this.#signal(end, "USR2");
  }

  /** An end that has come to its own end has failed. */
  async counts(end: string): Promise<Counts> {
    const files = this.#kinds.map(({ kind }) => `/run/duplex-${kind}.status`).join(" ");
    const said = await this.#testbed.step(end, `cat /run/duplex-*.log ${files}`);
    expect(said, `duplex at ${end}`).toMatch(/^[\d\s]+$/);
    return said.split("\n").map((line) => {
      const [sent, received] = line.trim().split(/ +/).map(Number);
      return { sent: sent ?? Number.NaN, received: received ?? Number.NaN };
    });
  }

  both(): Promise<[Counts, Counts]> {
    return this.#both((end) => this.counts(end));
  }

  /** What goes through both ways in so many seconds, MB/s, by the clock of the end that connects. */
  async rate(seconds: number): Promise<number> {
    const look = "date +%s%N; cat /run/duplex-*.status";
    const said = await this.#testbed.step(this.ends[1], `${look}; sleep ${seconds}; ${look}`);
    const looks = said.split(/\s+/).map(Number);
    const [before, after] = [looks.slice(0, looks.length / 2), looks.slice(looks.length / 2)];
    const [ns = Number.NaN, ...bytes] = after.map((value, i) => value - (before[i] ?? Number.NaN));
    return (bytes.reduce((sum, one) => sum + one, 0) / ns) * 1000;
  }

  /** By every connection this end receives so much more. */
  async receives(end: string, bytes: number): Promise<void> {
    const before = await this.counts(end);
    let now = before;
    const least = () =>
      Math.min(...now.map(({ received }, i) => received - (before[i]?.received ?? 0)));
    for (let i = 0; i < 60 && least() < bytes; i++) now = await this.counts(end);
    expect(least(), `at ${end}: ${JSON.stringify([before, now])}`).toBeGreaterThanOrEqual(bytes);
  }

  async goesOn(bytes: number): Promise<void> {
    await this.#both((end) => this.receives(end, bytes));
  }

  /** Waits until no end gets anything away any more. */
  async standsStill(): Promise<[Counts, Counts]> {
    let last = await this.both();
    for (let i = 0; i < 30; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const now = await this.both();
      if (JSON.stringify(now) === JSON.stringify(last)) return now;
      last = now;
    }
    throw new Error(`they go on: ${JSON.stringify(last)}`);
  }

  /** Both ends send no more; what the one has sent the other has received. Bytes of all connections. */
  async finish(): Promise<number> {
    await this.#both((end) => this.#signal(end, "TERM"));
    const logs = this.#kinds.map(({ kind }) => `/run/duplex-${kind}.log`).join(" ");
    const [first, second] = await this.#both(async (end) => {
      const said = await this.#testbed.step(
        end,
        `for i in $(seq 900); do [ "$(cat ${logs} | grep -c '^exit code')" != ${this.#kinds.length} ] || break; sleep 0.1; done; cat ${logs}`,
      );
      const counts = [...said.matchAll(/^sent (\d+) received (\d+)\nexit code 0$/gm)].map(
        ([, sent, received]): [number, number] => [Number(sent), Number(received)],
      );
      expect(counts.length, `duplex at ${end}: ${said}`).toBe(this.#kinds.length);
      return counts;
    });
    expect(second).toEqual(first.map(([sent, received]) => [received, sent]));
    return first.flat().reduce((sum, bytes) => sum + bytes, 0);
  }
}
