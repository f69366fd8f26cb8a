import { expect } from "vitest";
import type { Testbed } from "./testbed.ts";

/** Two domUs of which one sends to the other over AF_VSOCK, for a while and with SHA-256 at the end. */

/** Bytes that are sent again and again; no power of two, and each time with its number in front. */
const BLOCK_BYTES = 8 * 2 ** 20 - 15;
/** Ends with the first write that fails. */
const GENERATE = "i=0; while echo $i && cat /run/block; do i=$((i+1)); done 2>/dev/null";
/** What comes last: a stream that lost its end does not have it. */
const END = "the end";
const PORT = 6100;

/**
 * The sender: the connection first, which may need more than one attempt, then the clock. What it prints is the time
 * from the first byte until everything was handed over, ns.
 */
const send = (cid: number, seconds: number): string => `
cd /run; rm -f pipe log; mkfifo pipe
timeout 300 socat -u -b 65536 -d -d STDIN VSOCK-CONNECT:${cid}:${PORT},retry=60,interval=0.5 <pipe 2>log &
exec 3>pipe
for i in $(seq 600); do ! grep -q 'successfully connected' log || break; kill -0 $! || break; sleep 0.1; done
grep -q 'successfully connected' log || { cat log; exit 1; }
start=$(date +%s%N)
timeout ${seconds} sh -c '${GENERATE}' >&3 || :
echo '${END}' >&3
exec 3>&-
wait $! || { cat log; exit 1; }
echo "took $(($(date +%s%N) - start))"`;

const RECEIVE = `
cd /run; rm -f pipe log sum count; mkfifo pipe
nohup sh -c 'wc -c <pipe >count & timeout 400 socat -u -b 65536 -d -d VSOCK-LISTEN:${PORT} STDOUT 2>log | tee pipe | sha256sum >sum.new; wait; mv sum.new sum' >/dev/null 2>&1 &
for i in $(seq 100); do ! grep -q 'listening on' log 2>/dev/null || exit 0; sleep 0.1; done
cat log; exit 1`;

const RECEIVED = `
for i in $(seq 600); do [ ! -e /run/sum ] || break; sleep 0.1; done
cat /run/sum /run/count || { cat /run/log; exit 1; }`;

const expected = (bytes: number): string => `
{ sh -c '${GENERATE}' | head -c ${bytes - END.length - 1}; echo '${END}'; } | sha256sum`;

export class Pair {
  readonly sender: string;
  readonly receiver: string;
  readonly #testbed: Testbed;

  constructor(testbed: Testbed, sender: string, receiver: string) {
    this.#testbed = testbed;
    this.sender = sender;
    this.receiver = receiver;
  }

  async prepare(): Promise<void> {
    await this.#testbed.on(this.sender, `head -c ${BLOCK_BYTES} /dev/urandom >/run/block`);
  }

  /** Sends for a while; every byte must arrive in its place. Megabytes a second. */
  async transfer(seconds: number): Promise<number> {
    const cid = Number(await this.#testbed.on("host", `xl domid ${this.receiver}`)) + 2;
    await this.#testbed.on(this.receiver, RECEIVE);
    const sent = await this.#testbed.on(this.sender, send(cid, seconds), 500);
    const received = await this.#testbed.on(this.receiver, RECEIVED);
    const [sum = "", count = ""] = received.split("\n");
    const bytes = Number(count);
    expect(bytes, received).toBeGreaterThan(END.length);
    expect(sum).toMatch(/^[0-9a-f]{64} /);
    expect(sum).toBe(await this.#testbed.on(this.sender, expected(bytes), 500));
    const ns = Number(/^took (\d+)$/m.exec(sent)?.[1]);
    expect(ns, sent).toBeGreaterThan(0);
    return (bytes / ns) * 1000;
  }
}
