import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { delimiter, join } from "node:path";
import ssh2, { type Connection as Client, type ServerChannel } from "ssh2";
import { afterEach } from "vitest";
import { newKey } from "../../../provider/ssh/keys.ts";
import type { Connection } from "../../../provider/ssh/target.ts";

/** Stands before the programs that would end this computer. */
const GUARD = join(import.meta.dirname, "guard");

/** What a test lets the far side do with a command instead of running it. */
export type Behaviour = (
  channel: ServerChannel,
  client: Client,
  command: string,
) => "handled" | "run";

export interface FarSideOptions {
  /** Called for each command, in order. */
  behaviour?: Behaviour;
  /** Answers no request to open a channel. */
  deaf?: boolean;
  /** Folder that goes first on PATH: programs that only a Xen host has. */
  programs?: string;
  port?: number;
}

export interface FarSide {
  /** How to log in; the far side is reached directly. */
  connection: Omit<Connection, "via"> & { privateKey: string };
  /** Commands in the order in which they came. */
  commands: string[];
  /** Connections that logged in. */
  logins: number;
  /** Drops every connection without a word. */
  cut: () => void;
  stop: () => Promise<void>;
}

/** The socket below a connection; ssh2 shows it to nobody, and tests have to cut it. */
function socketOf(client: Client): Socket {
  return (client as unknown as { _sock: Socket })._sock;
}

/** A key that ssh2 itself can read: that not all are is the business of the test of keys.ts. */
export function soundKey(): ReturnType<typeof newKey> {
  const keys = Array.from({ length: 4 }, () => newKey("test"));
  const sound = keys.find((key) => !(ssh2.utils.parseKey(key.privateKey) instanceof Error));
  if (sound === undefined) throw new Error("none of 4 new keys can be read");
  return sound;
}

/**
 * The far side of an SSH connection: ssh2's own server on loopback, which stands in for a machine's sshd. Keys, login,
 * channels and forwarding are real; commands are run by this computer's shell, unless a test takes one over.
 */
export async function startFarSide(options: FarSideOptions = {}): Promise<FarSide> {
  const host = soundKey();
  const login = soundKey();
  const allowed = ssh2.utils.parseKey(`${login.publicKey} test`);
  if (allowed instanceof Error) throw allowed;
  const clients = new Set<Client>();
  const commands: string[] = [];
  const farSide = { logins: 0 };
  const server = new ssh2.Server({ hostKeys: [host.privateKey] }, (client) => {
    clients.add(client);
    socketOf(client).setNoDelay(true);
    client.on("close", () => clients.delete(client));
    // A client that hangs up in the middle is what half of the tests are about.
    client.on("error", () => undefined);
    client.on("authentication", (attempt) => {
      if (attempt.method !== "publickey" || !attempt.key.data.equals(allowed.getPublicSSH())) {
        attempt.reject(["publickey"]);
        return;
      }
      const { blob, signature, hashAlgo } = attempt;
      if (blob === undefined || signature === undefined) attempt.accept();
      else if (allowed.verify(blob, signature, hashAlgo)) attempt.accept();
      else attempt.reject();
    });
    client.on("ready", () => {
      farSide.logins += 1;
    });
    client.on("session", (accept) => {
      if (options.deaf === true) return;
      accept().on("exec", (acceptCommand, _reject, { command }) => {
        commands.push(command);
        const channel = acceptCommand();
        channel.on("error", () => undefined);
        if ((options.behaviour?.(channel, client, command) ?? "run") === "run")
          run(channel, command, options.programs);
      });
    });
    client.on("tcpip", (accept, reject, { destIP, destPort }) => {
      if (options.deaf === true) return;
      const socket = connect(destPort, destIP);
      socket.once("error", () => {
        reject();
      });
      socket.once("connect", () => {
        const channel = accept();
        socket.removeAllListeners("error");
        socket.on("error", () => channel.destroy());
        channel.on("error", () => socket.destroy());
        socket.pipe(channel).pipe(socket);
      });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const cut = () => {
    // Not a goodbye: the socket below is destroyed, as a power cut would do it.
    for (const client of clients) socketOf(client).destroy();
  };
  return Object.assign(farSide, {
    connection: {
      host: "127.0.0.1",
      port: typeof address === "object" && address !== null ? address.port : 0,
      user: "root",
      privateKey: login.privateKey,
      hostKey: host.publicKey,
    },
    commands,
    cut,
    stop: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function run(channel: ServerChannel, command: string, programs: string | undefined): void {
  const first = programs === undefined ? [GUARD] : [programs, GUARD];
  const PATH = [...first, process.env.PATH ?? ""].join(delimiter);
  const child = spawn("/bin/sh", ["-c", command], {
    env: { ...process.env, PATH },
    detached: true,
  });
  channel.pipe(child.stdin);
  // A command may end before it has read everything.
  child.stdin.on("error", () => undefined);
  // And a client may close while the command still prints.
  channel.on("error", () => undefined);
  channel.stderr.on("error", () => undefined);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.on("close", (code, signal) => {
    if (code === null) channel.exit(signal ?? "KILL");
    else channel.exit(code);
    channel.end();
  });
  channel.on("close", () => {
    if (child.exitCode === null && child.pid !== undefined) {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It ended at the same moment.
      }
    }
  });
}

/** Far sides that are gone, with the sessions to them, when the test is over. */
export function useFarSides(): (options?: FarSideOptions) => Promise<FarSide> {
  const started: FarSide[] = [];
  afterEach(async () => {
    for (const farSide of started.splice(0)) await farSide.stop();
  });
  return async (options) => {
    const farSide = await startFarSide(options);
    started.push(farSide);
    return farSide;
  };
}
