import { join } from "node:path";
import type { Testbed } from "./testbed.ts";

/** Root of a domain who says what he likes to the modules of others, and knows all that he could only guess. */

/** The modules' control protocol: kernel/linux/control.h. */
const CONTROL_PORT = 1;
export const OP = { offer: 5, accept: 6, refuse: 7 } as const;
/** Types of messages. */
export const TYPE = { control: 1, stream: 2, mark: 5 } as const;
const VERSION = 1;
const SOCK_STREAM = 1;

/** A connection as one of its ends numbers it. */
export interface Numbers {
  localIp: number;
  remoteIp: number;
  localIsn: number;
  remoteIsn: number;
  localPort: number;
  remotePort: number;
}

export interface Control {
  op: number;
  /** As the one who is said to speak numbers the connection. */
  of: Numbers;
  /** The speaker's ring. */
  ring: number;
  /** The addressee's ring, which he was told of. */
  about?: number;
}

function controlMessage({ op, of, ring, about = 0 }: Control): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt8(VERSION, 0);
  bytes.writeUInt8(op, 1);
  bytes.writeUInt16LE(SOCK_STREAM, 2);
  [of.localPort, of.remotePort, ring, about, of.localIsn, of.localIp, of.remoteIp].forEach(
    (word, i) => bytes.writeUInt32LE(word >>> 0, 4 + 4 * i),
  );
  return bytes;
}

/** The same connection as its other end numbers it. */
export function turned(of: Numbers): Numbers {
  return {
    localIp: of.remoteIp,
    remoteIp: of.localIp,
    localIsn: of.remoteIsn,
    remoteIsn: of.localIsn,
    localPort: of.remotePort,
    remotePort: of.localPort,
  };
}

const TRACING = "/sys/kernel/tracing";
/** Each connection that may move, and each control message, by the module's own arguments (move.h, control.h). */
const PROBES = [
  "p:v4v/connection v4v_move_new local_ip=+0(%si):u32 remote_ip=+4(%si):u32 local_isn=+8(%si):u32 remote_isn=+12(%si):u32 local_port=+16(%si):u16 remote_port=+18(%si):u16",
  "p:v4v/control v4v_control_send op=+1(%si):u8 ring=+12(%si):u32",
];
const SAY = "/sys/module/v4v_say/parameters/say";

export class Forger {
  readonly #testbed: Testbed;
  readonly #domains: readonly string[];

  constructor(testbed: Testbed, domains: readonly string[]) {
    this.#testbed = testbed;
    this.#domains = domains;
  }

  /** In these domains messages can be forged, and connections' numbers be seen, from now on. */
  async arm(): Promise<void> {
    const { path } = await this.#testbed.build("hostile");
    for (const domain of this.#domains) {
      this.#testbed.copy(domain, join(path, "v4v_say.ko"), "/run/v4v_say.ko");
      await this.#testbed.step(
        domain,
        `insmod /run/v4v_say.ko; [ -e ${TRACING}/trace ] || mount -t tracefs none ${TRACING}
         printf '%s\\n' ${PROBES.map((probe) => `'${probe}'`).join(" ")} >${TRACING}/kprobe_events
         echo 1 >${TRACING}/events/v4v/enable`,
      );
    }
  }

  async disarm(): Promise<void> {
    for (const domain of this.#domains)
      await this.#testbed.step(
        domain,
        `echo 0 >${TRACING}/events/v4v/enable; echo >${TRACING}/kprobe_events; rmmod v4v_say`,
      );
  }

  /** What the hypervisor answers who sends this: "taken", or an error's name. */
  async send(
    from: string,
    to: { domid: number; port: number },
    type: number,
    payload: Buffer,
  ): Promise<string> {
    const words = `${to.domid} ${to.port} ${CONTROL_PORT} ${type} ${payload.toString("hex")}`;
    // The shell's own message is a sentence, and not the same in all shells.
    const said = await this.#testbed.step(
      from,
      `echo ${words} | dd of=${SAY} bs=4096 2>&1 >/dev/null | sed -n "s/^dd: [^:]*: //p"`,
    );
    return said === "" ? "taken" : said;
  }

  say(from: string, domid: number, message: Control): Promise<string> {
    const to = { domid, port: CONTROL_PORT };
    return this.send(from, to, TYPE.control, controlMessage(message));
  }

  /** Forgets what the domains have connected and said. */
  async forget(): Promise<void> {
    for (const domain of this.#domains) await this.#testbed.step(domain, `echo >${TRACING}/trace`);
  }

  async #traced(domain: string, event: string): Promise<Map<string, number>[]> {
    const text = await this.#testbed.step(domain, `grep ' ${event}: ' ${TRACING}/trace || :`);
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map(
        (line) =>
          new Map(
            [...line.matchAll(/ (\w+)=(\d+)/g)].map(([, name = "", value]): [string, number] => [
              name,
              Number(value),
            ]),
          ),
      );
  }

  /** The newest connection of this port, as this end numbers it. */
  async numbers(domain: string, port: number): Promise<Numbers> {
    const found = (await this.#traced(domain, "connection")).findLast(
      (event) => event.get("local_port") === port || event.get("remote_port") === port,
    );
    if (found === undefined) throw new Error(`${domain} has had no connection of port ${port}`);
    const of = (name: string) => found.get(name) ?? Number.NaN;
    return {
      localIp: of("local_ip"),
      remoteIp: of("remote_ip"),
      localIsn: of("local_isn"),
      remoteIsn: of("remote_isn"),
      localPort: of("local_port"),
      remotePort: of("remote_port"),
    };
  }

  /** What a domain has said since then, in order. */
  async messages(domain: string): Promise<{ op: number; ring: number }[]> {
    return (await this.#traced(domain, "control")).map((event) => ({
      op: event.get("op") ?? Number.NaN,
      ring: event.get("ring") ?? Number.NaN,
    }));
  }

  /** The ring that a domain named last in a message of this kind. */
  async ring(domain: string, op: number): Promise<number> {
    const found = (await this.messages(domain)).findLast((message) => message.op === op);
    if (found === undefined) throw new Error(`${domain} has sent no message of kind ${op}`);
    return found.ring;
  }
}
