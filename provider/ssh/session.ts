import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Client, type ConnectConfig } from "ssh2";
import { HostKeyMismatch, NoLogin, Unreachable } from "./errors.ts";
import { describe, hostKeyBytes, sessionName, type Connection } from "./target.ts";

/** How long one attempt at a handshake may take, ms: slow under emulation, and bounded for a peer that says nothing. */
const HANDSHAKE_MS = 10_000;
/** A session that hears nothing for this long times three is dead, ms. */
const KEEPALIVE_MS = 10_000;

/** What the connection says of how to log in, as ssh2 takes it. */
function login({ privateKey, keyFile }: Connection): Pick<ConnectConfig, "privateKey" | "agent"> {
  if (privateKey !== undefined) return { privateKey };
  if (keyFile !== undefined) return { privateKey: readKeyFile(keyFile) };
  const agent = process.env.SSH_AUTH_SOCK;
  if (agent === undefined)
    throw new NoLogin(
      "there is no SSH agent (SSH_AUTH_SOCK is not set): start one and ssh-add the key, or name a keyFile",
    );
  return { agent };
}

function readKeyFile(path: string): Buffer {
  const file = path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
  try {
    return readFileSync(file);
  } catch (error) {
    throw new NoLogin(
      `the key file cannot be read: ${error instanceof Error ? error.message : file}`,
      { cause: error },
    );
  }
}

const sessions = new Map<string, Promise<Client>>();

function open(
  connection: Connection,
  signal: AbortSignal,
  sock: Readable | undefined,
): Promise<Client> {
  const where = describe(connection);
  const credentials = login(connection);
  return new Promise((resolve, reject) => {
    const client = new Client();
    let foreign = false;
    const fail = (error: Error) => {
      signal.removeEventListener("abort", onAbort);
      client.destroy();
      reject(error);
    };
    const onAbort = () => {
      fail(signal.reason as Error);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    client.once("ready", () => {
      signal.removeEventListener("abort", onAbort);
      resolve(client);
    });
    client.on("error", (error) => {
      fail(
        foreign
          ? new HostKeyMismatch(
              `${where} presents another host key than the one that is pinned; refusing to talk to it`,
            )
          : new Unreachable(`${where}: ${error.message}`, { cause: error }),
      );
    });
    client.once("close", () => {
      fail(new Unreachable(`${where}: the connection was closed`));
    });
    const expected = hostKeyBytes(connection.hostKey);
    const config: ConnectConfig = {
      host: connection.host,
      port: connection.port,
      username: connection.user,
      ...credentials,
      readyTimeout: HANDSHAKE_MS,
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: 3,
      algorithms: { serverHostKey: ["ssh-ed25519"] },
      hostVerifier: (key: Buffer) => {
        foreign = !key.equals(expected);
        return !foreign;
      },
      ...(sock !== undefined && { sock }),
    };
    try {
      client.connect(config);
    } catch (error) {
      // What ssh2 can tell before it has dialled: of a key that it cannot read.
      fail(
        new NoLogin(`${where}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        }),
      );
      return;
    }
    // A command is a handful of small packets each way: Nagle's algorithm would hold each of them for an answer.
    client.setNoDelay(true);
  });
}

function forward(client: Client, connection: Connection, signal: AbortSignal): Promise<Readable> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    client.forwardOut("127.0.0.1", 0, connection.host, connection.port, (error, channel) => {
      signal.removeEventListener("abort", onAbort);
      if (error === undefined && signal.aborted) channel.close();
      else if (error === undefined) resolve(channel);
      else reject(new Unreachable(`${describe(connection)}: ${error.message}`, { cause: error }));
    });
  });
}

/** The one session to a machine, opened if there is none; commands and transfers share it as channels. */
export async function session(connection: Connection, signal: AbortSignal): Promise<Client> {
  signal.throwIfAborted();
  const name = sessionName(connection);
  const present = sessions.get(name);
  if (present !== undefined) {
    return present.catch((error: unknown) => {
      // Another operation was opening it and was cut short; that is no verdict on ours.
      if (error instanceof HostKeyMismatch || error instanceof NoLogin) throw error;
      if (error instanceof Unreachable) throw error;
      throw new Unreachable(`${describe(connection)}: ${String(error)}`, { cause: error });
    });
  }
  const opening = (async () => {
    const sock =
      connection.via === undefined
        ? undefined
        : await forward(await session(connection.via, signal), connection, signal);
    return open(connection, signal, sock);
  })();
  sessions.set(name, opening);
  try {
    const client = await opening;
    client.once("close", () => {
      if (sessions.get(name) === opening) sessions.delete(name);
    });
    return client;
  } catch (error) {
    sessions.delete(name);
    throw error;
  }
}

/** Ends the session to a machine, for instance before it reboots. */
export async function hangUp(connection: Connection): Promise<void> {
  const name = sessionName(connection);
  const present = sessions.get(name);
  sessions.delete(name);
  await present?.then((client) => client.end()).catch(() => undefined);
}

/** Ends all sessions, so that the process can exit. */
export async function hangUpAll(): Promise<void> {
  const open = [...sessions.values()];
  sessions.clear();
  await Promise.allSettled(
    open.map(async (client) => {
      (await client).end();
    }),
  );
}
