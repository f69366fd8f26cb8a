import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { HostKeyMismatch, Unreachable } from "../../../../provider/ssh/errors.ts";
import { newKey } from "../../../../provider/ssh/keys.ts";
import { Remote } from "../../../../provider/ssh/remote.ts";
import { hangUp, hangUpAll, session } from "../../../../provider/ssh/session.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const servers: Server[] = [];
afterEach(async () => {
  await hangUpAll();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

const signal = (ms = 20_000) => AbortSignal.timeout(ms);
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error("succeeded");
    },
    (error: unknown) => error as Error,
  );

describe("who is talked to", () => {
  test("another host key than the pinned one is refused, never retried, and no command is sent", async () => {
    const { connection, commands, logins } = await farSide();
    const other = { ...connection, hostKey: newKey("other").publicKey };
    const error = await failure(new Remote(other, signal()).run("greeting it", "echo hello"));
    expect(error).toBeInstanceOf(HostKeyMismatch);
    expect(error.message).toBe(
      `root@127.0.0.1:${connection.port} presents another host key than the one that is pinned; refusing to talk to it`,
    );
    expect(commands).toEqual([]);
    expect(logins).toBe(0);
  });

  test("after a refusal the right key is accepted: nothing is remembered of the wrong one", async () => {
    const { connection } = await farSide();
    await failure(session({ ...connection, hostKey: newKey("other").publicKey }, signal()));
    expect(await new Remote(connection, signal()).run("greeting it", "echo hello")).toBe("hello\n");
  });

  test.each(["", "ssh-ed25519", "ssh-ed25519 ???", "not a key!", "ssh-rsa AAAAB3NzaC1yc2E="])(
    "%j is no pinned key: an error before anything is sent",
    async (hostKey) => {
      const { connection, logins } = await farSide();
      const error = await failure(session({ ...connection, hostKey }, signal()));
      expect(error.message).toContain("not a public host key");
      expect(logins).toBe(0);
    },
  );

  test("a login key that the far side does not know is an error that names the address and no key", async () => {
    const { connection } = await farSide();
    const stranger = newKey("stranger").privateKey;
    const error = await failure(session({ ...connection, privateKey: stranger }, signal()));
    expect(error).toBeInstanceOf(Unreachable);
    expect(error.message).toContain(`root@127.0.0.1:${connection.port}: `);
    expect(error.message).not.toContain("PRIVATE KEY");
  });

  test("nobody at the address, and somebody who hangs up at once, are both unreachable", async () => {
    const { connection, stop } = await farSide();
    await stop();
    expect(await failure(session(connection, signal()))).toBeInstanceOf(Unreachable);
    const server = createServer((socket) => socket.destroy());
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    expect(await failure(session({ ...connection, port }, signal()))).toBeInstanceOf(Unreachable);
  });

  test("somebody who accepts and says nothing is given up at the deadline", async () => {
    const { connection } = await farSide();
    const sockets: { destroy: () => void }[] = [];
    const server = createServer((socket) => sockets.push(socket));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const error = await failure(session({ ...connection, port }, signal(300)));
    expect(error.name).toBe("TimeoutError");
    for (const socket of sockets) socket.destroy();
  });
});

describe("one session a machine", () => {
  test("commands share it, side by side as well", async () => {
    const far = await farSide();
    const remote = new Remote(far.connection, signal());
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, i) => remote.run("counting", 'echo "$1"', String(i))),
    );
    expect(answers).toEqual(Array.from({ length: 6 }, (_, i) => `${i}\n`));
    expect(far.logins).toBe(1);
  });

  test("after hanging up, or after a cut, the next command opens another", async () => {
    const far = await farSide();
    const remote = new Remote(far.connection, signal());
    await remote.run("first", "true");
    await hangUp(far.connection);
    await remote.run("second", "true");
    expect(far.logins).toBe(2);
    far.cut();
    await remote.run("third", "true");
    expect(far.logins).toBe(3);
  });

  test("one operation's deadline is no verdict on another's", async () => {
    const far = await farSide();
    const short = new AbortController();
    const first = failure(session(far.connection, short.signal));
    const second = new Remote(far.connection, signal()).run("second", "echo fine");
    short.abort(new Error("cancelled"));
    expect((await first).message).toBe("cancelled");
    expect(await second).toBe("fine\n");
  });

  test("an operation that has ended already opens nothing", async () => {
    const far = await farSide();
    const error = await failure(session(far.connection, AbortSignal.abort(new Error("over"))));
    expect(error.message).toBe("over");
    expect(far.logins).toBe(0);
  });
});

describe("a machine behind another", () => {
  test("is reached through it, its own key pinned", async () => {
    const [outer, inner] = [await farSide(), await farSide()];
    const remote = new Remote({ ...inner.connection, via: outer.connection }, signal());
    expect(await remote.run("greeting it", "echo inside")).toBe("inside\n");
    expect([outer.logins, inner.logins]).toEqual([1, 1]);
    expect([outer.commands.length, inner.commands.length]).toEqual([0, 1]);
    expect(remote.name).toBe(
      `root@127.0.0.1:${inner.connection.port} (through root@127.0.0.1:${outer.connection.port})`,
    );
  });

  test("a foreign key on either is refused", async () => {
    const [outer, inner] = [await farSide(), await farSide()];
    const hostKey = newKey("other").publicKey;
    const foreign = [
      { ...inner.connection, hostKey, via: outer.connection },
      { ...inner.connection, via: { ...outer.connection, hostKey } },
    ];
    for (const connection of foreign)
      expect(await failure(session(connection, signal()))).toBeInstanceOf(HostKeyMismatch);
    expect(inner.commands).toEqual([]);
  });

  test("that is down is unreachable, and the way to it stays open", async () => {
    const [outer, inner] = [await farSide(), await farSide()];
    await inner.stop();
    const connection = { ...inner.connection, via: outer.connection };
    expect(await failure(session(connection, signal()))).toBeInstanceOf(Unreachable);
    expect(await new Remote(outer.connection, signal()).run("asking", "echo here")).toBe("here\n");
    expect(outer.logins).toBe(1);
  });

  test("is given up at the deadline when the one before it forwards nothing", async () => {
    const [outer, inner] = [await farSide({ deaf: true }), await farSide()];
    const connection = { ...inner.connection, via: outer.connection };
    await session(outer.connection, signal());
    const late = new Promise((resolve) => setTimeout(resolve, 5000, "still waiting"));
    const asked = failure(session(connection, signal(300)));
    expect(await Promise.race([asked, late])).toMatchObject({ name: "TimeoutError" });
  });
});
