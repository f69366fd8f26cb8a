import { beforeAll, describe, expect, it } from "vitest";
import { guestAddress } from "../../../components/network.ts";
import { placeBehave, play } from "../behave.ts";
import { succeeded, takeDownAfterwards } from "../lifecycle.ts";
import { Testbed } from "../testbed.ts";

/** What programs see of sockets of AF_VSOCK between two domUs. */
const testbed = new Testbed("vsock");

beforeAll(async () => {
  succeeded(await testbed.up(["--profile", "none"], 2400));
}, 45 * 60_000);

takeDownAfterwards(testbed);

describe("sockets of AF_VSOCK", () => {
  it("show what TCP's show, where AF_VSOCK means the same", async () => {
    const [server, client] = ["domu2", "domu1"];
    await placeBehave(testbed, [server, client]);
    const at = { server, client, address: guestAddress(2).address };
    const tcp = await play(testbed, { ...at, port: 7400, options: "" });
    const vsock = await play(testbed, {
      ...at,
      port: 7500,
      options: `--vsock ${await testbed.cidOf(server)}`,
    });
    for (const name of [
      "MSG_PEEK",
      "MSG_WAITALL",
      "MSG_WAITALL is cut by the end",
      "SO_RCVLOWAT",
      "a close that lingers",
      "sendfile",
      "connect without blocking",
    ])
      expect([...vsock.keys()]).toContain(name);
    for (const [name, transcript] of vsock) expect(transcript, name).toBe(tcp.get(name));
    console.log(`${vsock.size} of ${tcp.size} behaviours are the same`);
  });

  it("carry datagrams between two domUs, whole and from whom they say, and refuse those for nobody", async () => {
    const server = await testbed.cidOf("domu2");
    const [port, ...lengths] = [5030, 1, 4096, 65536];
    // Sends back what it gets to whom it is from.
    await testbed.on(
      "domu2",
      `nohup timeout 60 python3 -c 'import socket
one = socket.socket(socket.AF_VSOCK, socket.SOCK_DGRAM)
one.bind((socket.VMADDR_CID_ANY, ${port}))
while True:
    one.sendto(*one.recvfrom(65536))' >/tmp/datagrams 2>&1 & sleep 2`,
    );
    const said = await testbed.on(
      "domu1",
      `timeout 60 python3 -c 'import errno, os, socket
one = socket.socket(socket.AF_VSOCK, socket.SOCK_DGRAM)
one.settimeout(20)
for length in ${JSON.stringify(lengths)}:
    bytes = os.urandom(length)
    one.sendto(bytes, (${server}, ${port}))
    answer, sender = one.recvfrom(65536)
    print(answer == bytes, sender)
for to, length in (${port + 1}, 1), (${port}, 65537):
    try:
        one.sendto(bytes[:1] * length, (${server}, to))
    except OSError as error:
        print(errno.errorcode[error.errno])'`,
    );
    expect(said.split("\n")).toEqual([
      ...lengths.map(() => `True (${server}, ${port})`),
      "ECONNREFUSED",
      "EMSGSIZE",
    ]);
  });

  it("are shown by ss --vsock", async () => {
    const [server, client] = [await testbed.cidOf("domu2"), await testbed.cidOf("domu1")];
    const port = 5020;
    await testbed.on(
      "domu2",
      `nohup timeout 60 socat -u VSOCK-LISTEN:${port} OPEN:/dev/null >/dev/null 2>&1 & sleep 1`,
    );
    const sockets = (options: string) =>
      testbed.on("domu2", `ss --vsock -Hn ${options} | tr -s ' '`);
    expect(await sockets("-l")).toMatch(new RegExp(`^v_str LISTEN 0 0 \\*:${port} `, "m"));
    await testbed.on(
      "domu1",
      `nohup sh -c 'sleep 60 | socat -u - VSOCK-CONNECT:${server}:${port}' >/dev/null 2>&1 & sleep 1`,
    );
    expect(await sockets("")).toMatch(
      new RegExp(`^v_str ESTAB 0 0 ${server}:${port} ${client}:\\d+`, "m"),
    );
    await testbed.on("domu1", "pkill socat; pkill sleep; true");
    expect(await sockets("-a")).not.toContain(`:${port} `);
  });
});
