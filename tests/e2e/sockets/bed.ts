import { expect } from "vitest";
import { guestAddress } from "../../../components/network.ts";
import { quote } from "../../../provider/ssh/quote.ts";
import { BLOB, BLOB_BYTES, PROGRAMS, type Program } from "../programs.ts";
import type { Testbed } from "../testbed.ts";

export const FULL = process.env.V4V_TEST === "full";

export const SERVER = "domu2";
export const CLIENT = "domu1";

/** Most of a program's bytes: what is sent before the two ends have agreed goes by TCP. */
export const MOST = 0.6;

/** Bytes so far: what V4V carried for the client's domain, and what the server's vif did. */
export interface Way {
  v4v: number;
  vif: number;
}

/** In a shell: ends with 0 as soon as the condition holds, else after so long with what `said` prints. */
export const until = (condition: string, said: string, seconds = 30): string =>
  `for i in $(seq ${seconds * 10}); do if ${condition}; then exit 0; fi; sleep 0.1; done; ${said}; exit 1`;

/** As a line of grep's, with nothing in it but itself. */
export const literally = (text: string): string => text.replaceAll(".", "\\.");

const isUp = (port: number) => `ss -Hltn 'sport = :${port}' | grep -q .`;

/** Two domUs with programs that serve one another, and what is seen of the way their bytes go. */
export class SocketsBed {
  readonly testbed: Testbed;
  /** The server's. */
  readonly address = guestAddress(2).address;
  /** SHA-256 of the file that servers serve. */
  blob = "";

  constructor(testbed: Testbed) {
    this.testbed = testbed;
  }

  /** Runs a shell script in dom0 ("host") or a domU. */
  step(domain: string, script: string, timeoutS?: number): Promise<string> {
    return this.testbed.step(domain, script, timeoutS);
  }

  /** `$1` is what comes before the program, `$2` the server's address. */
  inShell(script: string, prefix: string): string {
    return `sh -c ${quote(script)} sh ${quote(prefix)} ${this.address}`;
  }

  /** Starts a script that stays in the background, as a process group of its own; its output is /tmp/NAME.log. */
  startScript(domain: string, name: string, script: string, prefix: string): Promise<string> {
    return this.step(
      domain,
      `nohup setsid ${this.inShell(script, prefix)} >/tmp/${name}.log 2>&1 </dev/null & echo $! >/tmp/${name}.pid`,
    );
  }

  endScript(domain: string, name: string): Promise<string> {
    return this.step(domain, `kill -9 -$(cat /tmp/${name}.pid) 2>/dev/null || :`);
  }

  /** The same for a server; comes back when it listens. */
  async startListener(
    domain: string,
    name: string,
    port: number,
    script: string,
    prefix: string,
  ): Promise<void> {
    await this.startScript(domain, name, script, prefix);
    await this.step(domain, until(isUp(port), `cat /tmp/${name}.log`));
  }

  async startServer(program: Program, prefix: string): Promise<void> {
    if (program.prepare !== undefined) await this.step(SERVER, program.prepare);
    await this.startListener(SERVER, "server", program.port, program.server, prefix);
  }

  /** Whether it still listens; some servers end with their client. */
  listens(program: Program): Promise<boolean> {
    return this.step(SERVER, until(isUp(program.port), ":", 5)).then(
      () => true,
      () => false,
    );
  }

  /** Kills the script and whoever has a socket of the program's port: some servers' children are in a group of their own. */
  async killServer(program: Program): Promise<void> {
    await this.step(
      SERVER,
      `kill -9 -$(cat /tmp/server.pid) 2>/dev/null
       for i in $(seq 50); do
         kill -9 $(ss -Htanp 'sport = :${program.port}' | grep -o 'pid=[0-9]*' | cut -d = -f 2 | sort -u) 2>/dev/null
         ${isUp(program.port)} || exit 0
         sleep 0.2
       done; ss -tanp; exit 1`,
    );
  }

  async isServed(program: Program, prefix: string): Promise<void> {
    const said = await this.step(
      CLIENT,
      `timeout 240 ${this.inShell(program.client, prefix)}`,
      300,
    );
    expect(said, program.name).toMatch(program.expected(this.blob));
  }

  async way(): Promise<Way> {
    const [v4v, vif] = await Promise.all([
      this.step(
        CLIENT,
        `awk 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
          { n += $at["tx_bytes"] + $at["rx_bytes"] } END { printf "%d", n }' /proc/v4v/domains`,
      ),
      this.step(
        "host",
        `cd /sys/class/net/vif$(xl domid ${SERVER}).0/statistics && echo $(($(cat rx_bytes) + $(cat tx_bytes)))`,
      ),
    ]);
    return { v4v: Number(v4v), vif: Number(vif) };
  }

  /** What a step carried, and which way. */
  async carried(step: () => Promise<void>): Promise<Way> {
    const before = await this.way();
    await step();
    const after = await this.way();
    return { v4v: after.v4v - before.v4v, vif: after.vif - before.vif };
  }

  /** A program's server serves once more, by the way that is expected now. */
  async goesBy(kind: "V4V" | "TCP", program = programAt(8000), prefix = "v4vrun"): Promise<void> {
    const bytes = await this.carried(() => this.isServed(program, prefix));
    const [of, other] = kind === "V4V" ? [bytes.v4v, bytes.vif] : [bytes.vif, bytes.v4v];
    expect(of, JSON.stringify(bytes)).toBeGreaterThan(program.bytes * MOST);
    // The test's own logins are in what TCP carried, too.
    expect(other, JSON.stringify(bytes)).toBeLessThan(program.bytes * (1 - MOST));
  }

  peersOf(domain: string): Promise<string> {
    return this.step(domain, "v4vctl peers");
  }

  async cidOf(domain: string): Promise<number> {
    return Number(await this.step("host", `xl domid ${domain}`)) + 2;
  }

  /** Waits until a domain's table has a line like this, or has none. */
  async peersSay(domain: string, pattern: RegExp, not = false): Promise<void> {
    const found = `v4vctl peers | grep -Eq ${quote(pattern.source)}`;
    await this.step(domain, until(not ? `! ${found}` : found, "v4vctl peers", 20));
  }

  /**
   * Milliseconds from something that dom0 does until the module there has read the new table: each domain's module is
   * told by the same watch.
   */
  async noticed(what: string, pattern: string, not = false): Promise<number> {
    const found = `grep -q ${quote(pattern)} /proc/v4v/peers`;
    const ms = Number(
      await this.step(
        "host",
        `${what}
         from=$(date +%s%N)
         ${not ? "while" : "until"} ${found}; do
           [ $(($(date +%s%N) - from)) -lt 20000000000 ] || break
         done
         echo $((($(date +%s%N) - from) / 1000000))`,
      ),
    );
    expect(ms, `${what}: ${pattern}`).toBeLessThan(20_000);
    return ms;
  }

  /** The kernels of dom0 and both domUs have had nothing to complain of since the domUs were prepared. */
  async kernelsAreCalm(): Promise<void> {
    for (const domain of ["host", CLIENT, SERVER])
      expect(await this.step(domain, "dmesg"), domain).not.toMatch(
        /BUG|Oops|WARNING|Call Trace|general protection|blocked for/,
      );
  }

  /** Blob and key of the tests; gone with a domU that is made again. */
  async prepareDomains(): Promise<void> {
    for (const domain of ["host", CLIENT, SERVER]) await this.step(domain, "dmesg -C");
    this.blob = await this.step(
      SERVER,
      `[ -e ${BLOB} ] || head -c ${BLOB_BYTES} /dev/urandom >${BLOB}; sha256sum <${BLOB} | cut -d ' ' -f 1`,
    );
    const key = await this.step(
      CLIENT,
      "[ -e /tmp/key ] || ssh-keygen -q -t ed25519 -N '' -f /tmp/key; cat /tmp/key.pub",
    );
    await this.step(SERVER, `echo ${quote(key)} >/tmp/key.pub`);
    // The client's own copy goes to redis, and comes back.
    await this.startListener(SERVER, "blob", 9100, `nc -l -N $2 9100 <${BLOB}`, "");
    const sum = await this.step(
      CLIENT,
      `nc ${this.address} 9100 </dev/null >${BLOB}; sha256sum <${BLOB} | cut -d ' ' -f 1`,
    );
    expect(sum).toBe(this.blob);
  }
}

export function programAt(port: number): Program {
  const found = PROGRAMS.find((program) => program.port === port);
  if (found === undefined) throw new Error(`no program on port ${port}`);
  return found;
}
