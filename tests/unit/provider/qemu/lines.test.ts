import { createServer, type Server, type Socket } from "node:net";
import { mkdirSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { GuestAgent } from "../../../../provider/qemu/guestAgent.ts";
import { JsonLines } from "../../../../provider/qemu/lines.ts";
import { Monitor } from "../../../../provider/qemu/monitor.ts";
import { connectUnix } from "../../../../provider/qemu/socket.ts";
import { eventually } from "../../helpers/eventually.ts";
import { useFolder } from "../../helpers/folder.ts";

const folder = useFolder();
const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

type Message = Record<string, unknown>;

/** The other end of QEMU's sockets, for what a real QEMU cannot be made to say; the real one is in machine.test.ts. */
async function otherEnd(
  onConnect: (socket: Socket) => void,
  onMessage: (message: Message, socket: Socket) => void = () => undefined,
): Promise<string> {
  const path = folder("socket");
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    onConnect(socket);
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      const lines = (text + chunk.toString()).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) onMessage(JSON.parse(line) as Message, socket);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

describe("JSON lines", () => {
  const open = async (onConnect: (socket: Socket) => void) =>
    new JsonLines(await connectUnix(await otherEnd(onConnect), 5000));

  test("come whole however they are cut, and in order", async () => {
    const lines = await open((socket) => {
      const bytes = Buffer.from('{"a":"é"}\n{"b":2}\n');
      for (const byte of bytes) socket.write(Buffer.from([byte]));
    });
    expect(await lines.receive(5000)).toEqual({ a: "é" });
    expect(await lines.receive(5000)).toEqual({ b: 2 });
  });

  test("noise between them is passed over", async () => {
    const lines = await open((socket) =>
      socket.write(Buffer.from('\xff{"a":1}\n\n{half\n\xff\xff{"b":2}\n', "latin1")),
    );
    expect(await lines.receive(5000)).toEqual({ a: 1 });
    expect(await lines.receive(5000)).toEqual({ b: 2 });
  });

  test("an answer that does not come is an error after its time, and the next one is not lost", async () => {
    let other: Socket | undefined;
    const lines = await open((socket) => (other = socket));
    await expect(lines.receive(100)).rejects.toThrow("no answer in 100 ms");
    other?.write('{"a":1}\n');
    expect(await lines.receive(5000)).toEqual({ a: 1 });
  });

  test("the end of the other side ends all waiting, now and later", async () => {
    const lines = await open((socket) => setTimeout(() => socket.destroy(), 50));
    const waiting = [lines.receive(5000), lines.receive(5000)];
    for (const outcome of await Promise.allSettled(waiting))
      expect(String((outcome as PromiseRejectedResult).reason)).toContain("closed the socket");
    await expect(lines.receive(5000)).rejects.toThrow("closed the socket");
  });
});

describe("a UNIX socket", () => {
  test("is reached however deep it lies: its address holds 108 bytes", async () => {
    const deep = "a-rather-long-name-for-a-folder/".repeat(6);
    mkdirSync(folder(deep), { recursive: true });
    const server = createServer((socket) => socket.end("hello"));
    servers.push(server);
    // Bound in a short place: the kernel would cut the long one off.
    const { renameSync } = await import("node:fs");
    await new Promise<void>((resolve) => server.listen(folder("s"), resolve));
    renameSync(folder("s"), folder(deep, "s"));
    expect(folder(deep, "s").length).toBeGreaterThan(108);
    const socket = await connectUnix(folder(deep, "s"), 5000);
    sockets.push(socket);
    let said = "";
    socket.on("data", (chunk) => (said += String(chunk)));
    await eventually("a greeting", () => said === "hello");
  });

  test("that is not there, or that nobody listens on, is an error", async () => {
    await expect(connectUnix(folder("absent"), 1000)).rejects.toThrow(/ENOENT/);
    const path = await otherEnd(() => undefined);
    await expect(connectUnix(`${path}x`, 1000)).rejects.toThrow();
  });
});

describe("the monitor", () => {
  test("passes over events and tells what QEMU complained of", async () => {
    const path = await otherEnd(
      (socket) => socket.write('{"QMP":{}}\n'),
      ({ execute }, socket) => {
        socket.write('{"event":"RESUME"}\n');
        socket.write(
          execute === "qmp_capabilities"
            ? '{"return":{}}\n'
            : '{"error":{"class":"X","desc":"no such thing"}}\n',
        );
      },
    );
    const monitor = await Monitor.connect(path);
    await expect(monitor.execute("thing")).rejects.toThrow("QEMU, thing: no such thing");
    monitor.close();
  });
});

describe("the guest agent", () => {
  const answer = (result: Message) => (message: Message, socket: Socket) => {
    const say = (value: unknown) => socket.write(`${JSON.stringify({ return: value })}\n`);
    if (message.execute === "guest-sync") {
      // What an earlier controller asked is answered first.
      say({ stale: true });
      say((message.arguments as Message).id);
    } else if (message.execute === "guest-exec") say({ pid: 7 });
    else say({ exited: true, ...result });
  };
  const base64 = (text: string) => Buffer.from(text).toString("base64");

  test("finds its own answer behind those of an earlier controller, and returns what a program printed", async () => {
    const path = await otherEnd(
      () => undefined,
      answer({ exitcode: 0, "out-data": base64("hello\n") }),
    );
    const agent = await GuestAgent.connect(path, 5000);
    expect(await agent.run("/bin/true", [])).toBe("hello\n");
    agent.close();
  });

  test("says which program failed, how, and what it complained of", async () => {
    const path = await otherEnd(
      () => undefined,
      answer({ exitcode: 3, "err-data": base64("no disk\n") }),
    );
    const agent = await GuestAgent.connect(path, 5000);
    await expect(agent.shell("x")).rejects.toThrow("guest agent, /bin/sh: exit code 3: no disk");
    agent.close();
  });

  test("that does not answer is given up after its time", async () => {
    const path = await otherEnd(() => undefined);
    await expect(GuestAgent.connect(path, 200)).rejects.toThrow("no answer in");
  });
});
