import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { quote } from "../../../provider/ssh/quote.ts";
import { Forger, OP, TYPE, turned } from "../forger.ts";
import { CLIENT, SERVER, until, type SocketsBed } from "./bed.ts";

/**
 * A connection of dom0 with a domU, and another domU that would like to have a part in it. It is told all numbers that it
 * could only guess; what is refused from there is taken from the domain whose connection it is, so it was well formed.
 */
export function describeStrangers(bed: SocketsBed): void {
  describe("who is not one of a connection's two ends", () => {
    const STRANGER = CLIENT;
    const forger = new Forger(bed.testbed, ["host", SERVER, STRANGER]);
    /** A ring that nobody has. */
    const NO_RING = 5000;

    const stateIn = (domain: string, port: number) =>
      bed.step(
        domain,
        `awk '$3 ~ /:${port}$/ || $4 ~ /:${port}$/ { print $6, $7 }' /proc/v4v/sockets`,
      );
    /** The state that a connection gets to, however late. */
    const becomes = (domain: string, port: number, state: string) =>
      bed.step(
        domain,
        until(`grep -q ':${port} .* ${state} ' /proc/v4v/sockets`, "cat /proc/v4v/sockets"),
      );
    /** The state that it still has when a message of before would have changed it. */
    async function remains(domain: string, port: number, state: string): Promise<void> {
      await bed.step(domain, "sleep 1");
      expect(await stateIn(domain, port)).toBe(state);
    }

    /** dom0's connection to a server that sends back what it gets; until `hangUp`. */
    async function connect(prefix: string, port: number): Promise<void> {
      await bed.startListener(
        SERVER,
        "echo",
        port,
        `exec $1 socat TCP-LISTEN:${port},bind=$2,reuseaddr,fork PIPE`,
        prefix,
      );
      await forger.forget();
      await bed.startScript(
        "host",
        "caller",
        `rm -f /run/in; mkfifo /run/in; exec $1 socat - TCP:$2:${port} <>/run/in >/run/out`,
        "v4vrun",
      );
      await bed.step(
        "host",
        until(`ss -Htn 'dport = :${port}' | grep -q ESTAB`, "cat /tmp/caller.log"),
      );
    }
    /** A line that has come back to dom0. */
    const cameBack = (word: string) => until(`grep -qx ${word} /run/out`, "cat /run/out");
    const echoes = (word: string) => bed.step("host", `echo ${word} >/run/in; ${cameBack(word)}`);
    async function hangUp(): Promise<void> {
      await bed.endScript("host", "caller");
      await bed.endScript(SERVER, "echo");
    }

    beforeAll(() => forger.arm());
    afterEach(() => hangUp());
    afterAll(() => forger.disarm());

    it("cannot offer a ring for it, nor can its own other end twice or with a wrong number", async () => {
      // A listener that has not asked: the other end waits for an offer as long as it lives.
      await connect("", 9200);
      const of = turned(await forger.numbers("host", 9200));
      const offer = { op: OP.offer, of, ring: NO_RING };
      const guess = { ...offer, of: { ...of, localIsn: of.localIsn ^ 1 } };
      for (const [who, message] of [
        [STRANGER, offer],
        [SERVER, guess],
      ] as const) {
        expect(await forger.say(who, 0, message)).toBe("taken");
        await remains("host", 9200, "waits -");
        await echoes(who);
      }
      expect(await forger.say(SERVER, 0, offer)).toBe("taken");
      await becomes("host", 9200, "moved");
      expect(await forger.say(SERVER, 0, offer)).toBe("taken");
      await bed.step("host", "sleep 1");
      const answers = (await forger.messages("host")).map(({ op }) => op);
      expect(answers).toEqual([OP.refuse, OP.refuse, OP.accept, OP.refuse]);
      // Nobody has that ring: the rest goes by TCP.
      await echoes("after");
    });

    it("cannot answer for it, nor can its own other end with a wrong number", async () => {
      // dom0's answer does not get through, so that the offer stays open.
      const rule = `-s dom0 -d ${SERVER} -j drop`;
      const server = (await bed.cidOf(SERVER)) - 2;
      await bed.step("host", `viptables -A ${rule}`);
      try {
        await connect("v4vrun", 9201);
        await becomes(SERVER, 9201, "offered");
      } finally {
        await bed.step("host", `viptables -D ${rule}`);
      }
      const of = turned(await forger.numbers(SERVER, 9201));
      const about = await forger.ring(SERVER, OP.offer);
      const answer = { op: OP.accept, of, ring: NO_RING, about };
      const guess = { ...answer, of: { ...of, localIsn: of.localIsn ^ 1 } };
      for (const [who, message] of [
        [STRANGER, answer],
        [STRANGER, { ...answer, op: OP.refuse }],
        ["host", guess],
      ] as const) {
        expect(await forger.say(who, server, message)).toBe("taken");
        await remains(SERVER, 9201, "offered -");
      }
      await echoes("before");
      expect(await forger.say("host", server, answer)).toBe("taken");
      await becomes(SERVER, 9201, "moved");
      await echoes("after");
    });

    it("cannot put a byte into its rings, nor can another user's process in one of its domains", async () => {
      await connect("v4vrun", 9202);
      for (const domain of ["host", SERVER]) await becomes(domain, 9202, "moved");
      await echoes("one");
      const server = (await bed.cidOf(SERVER)) - 2;
      const rings = [
        { domid: 0, port: await forger.ring("host", OP.accept) },
        { domid: server, port: await forger.ring(SERVER, OP.offer) },
      ] as const;
      const evil = Buffer.from("evil\n");
      for (const ring of rings) {
        expect(await forger.send(STRANGER, ring, TYPE.stream, evil)).toBe("Connection refused");
        expect(await forger.send(STRANGER, ring, TYPE.mark, Buffer.alloc(0))).toBe(
          "Connection refused",
        );
      }
      // AF_VSOCK is all of V4V that a process can reach without root.
      const script = `import socket
for kind in socket.SOCK_STREAM, socket.SOCK_SEQPACKET:
    one = socket.socket(socket.AF_VSOCK, kind)
    try:
        one.connect((2, ${rings[0].port}))
        print("connected")
    except OSError as error:
        print(error.strerror)
try:
    socket.socket(socket.AF_VSOCK, socket.SOCK_DGRAM).sendto(b"evil\\n", (2, ${rings[0].port}))
except OSError:
    pass
try:
    open("/sys/module/v4v_say/parameters/say", "w")
except OSError as error:
    print(error.strerror)
`;
      expect(
        await bed.step(
          SERVER,
          `printf %s ${quote(script)} >/tmp/user.py; setpriv --reuid 65534 --regid 65534 --clear-groups python3 /tmp/user.py`,
        ),
      ).toBe("Connection reset by peer\nConnection reset by peer\nPermission denied");
      await echoes("two");
      expect(await bed.step("host", "cat /run/out")).toBe("one\ntwo");
      // The partner's kernel may: these are the rings.
      expect(await forger.send(SERVER, rings[0], TYPE.stream, Buffer.from("own\n"))).toBe("taken");
      await bed.step("host", cameBack("own"));
    });
  });
}
