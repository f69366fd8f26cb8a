import { createReadStream } from "node:fs";
import { createHash } from "node:crypto";
import type { ClientChannel } from "ssh2";
import { RemoteFailure, Unreachable } from "./errors.ts";
import { quote } from "./quote.ts";
import { hangUp, session } from "./session.ts";
import { describe, type Connection } from "./target.ts";
import { untilReachable } from "./wait.ts";

export interface Result {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Output kept of one command, bytes a stream: more is a mistake of ours or an attack of the far side. */
const OUTPUT_LIMIT = 16 * 1024 * 1024;

/**
 * A machine that is reached over SSH. Every script given to it must bear being run twice: when the connection is lost
 * in the middle, it is run again.
 */
export class Remote {
  readonly connection: Connection;
  readonly #signal: AbortSignal;

  constructor(connection: Connection, signal: AbortSignal) {
    this.connection = connection;
    this.#signal = signal;
  }

  get signal(): AbortSignal {
    return this.#signal;
  }

  get name(): string {
    return describe(this.connection);
  }

  /** Runs a command line once; the exit code is the caller's to judge. */
  async once(command: string, stdin?: Buffer | string | NodeJS.ReadableStream): Promise<Result> {
    const client = await session(this.connection, this.#signal);
    return new Promise((resolve, reject) => {
      const lost = (why: string) => {
        reject(new Unreachable(`${this.name}: ${why}`));
      };
      const onClose = () => {
        lost("the connection was lost while a command ran");
      };
      let granted: ClientChannel | undefined;
      const onAbort = () => {
        unhook();
        granted?.close();
        reject(this.#signal.reason as Error);
      };
      const unhook = () => {
        this.#signal.removeEventListener("abort", onAbort);
        client.removeListener("close", onClose);
      };
      client.once("close", onClose);
      this.#signal.addEventListener("abort", onAbort, { once: true });
      const handle = (error: Error | undefined, channel: ClientChannel) => {
        granted = error === undefined ? channel : undefined;
        if (this.#signal.aborted) {
          // Granted too late: nobody waits for it any more.
          granted?.close();
          return;
        }
        if (error !== undefined) {
          // A session that grants no channel is of no further use.
          unhook();
          void hangUp(this.connection);
          lost(error.message);
          return;
        }
        const out: Buffer[] = [];
        const err: Buffer[] = [];
        let size = 0;
        const keep = (into: Buffer[]) => (chunk: Buffer) => {
          size += chunk.length;
          if (size <= OUTPUT_LIMIT) into.push(chunk);
          else channel.close();
        };
        channel.on("data", keep(out));
        channel.stderr.on("data", keep(err));
        channel.on("error", (failure: Error) => {
          lost(failure.message);
        });
        channel.on("close", (code: number | null | undefined, signalName?: string) => {
          unhook();
          if (size > OUTPUT_LIMIT)
            reject(new Error(`${this.name}: a command printed more than ${OUTPUT_LIMIT} bytes`));
          else if (typeof code === "number") {
            resolve({
              exitCode: code,
              stdout: Buffer.concat(out).toString(),
              stderr: Buffer.concat(err).toString(),
            });
          } else if (signalName !== undefined) {
            resolve({
              exitCode: 128,
              stdout: Buffer.concat(out).toString(),
              stderr: `ended by signal ${signalName}`,
            });
          } else lost("the connection was lost while a command ran");
        });
        if (stdin === undefined) channel.end();
        else if (typeof stdin === "string" || Buffer.isBuffer(stdin)) channel.end(stdin);
        else stdin.pipe(channel);
      };
      try {
        client.exec(command, handle);
      } catch (error) {
        // The far side has hung up, and the session's end has not come through yet.
        unhook();
        void hangUp(this.connection);
        lost(error instanceof Error ? error.message : String(error));
      }
    });
  }

  /**
   * Runs a shell script (`sh -eu`) with positional arguments and returns what it printed.
   *
   * @param what for error messages: "installing the hypervisor"
   * @throws RemoteFailure if it exits with another code than 0
   */
  async run(what: string, script: string, ...args: string[]): Promise<string> {
    const result = await this.tryRun(what, script, ...args);
    if (result.exitCode !== 0)
      throw new RemoteFailure(what, this.name, result.exitCode, result.stderr);
    return result.stdout;
  }

  /** As {@link run}, with the exit code left to the caller. */
  async tryRun(what: string, script: string, ...args: string[]): Promise<Result> {
    const command = `sh -eu -s -- ${args.map(quote).join(" ")}`;
    return untilReachable(what, this.#signal, () => this.once(command, script));
  }

  /** Content of a small remote file, or undefined if there is none. */
  async readFile(path: string): Promise<string | undefined> {
    const result = await this.tryRun(
      `reading ${path}`,
      '[ -e "$1" ] || exit 44; cat -- "$1"',
      path,
    );
    if (result.exitCode === 44) return undefined;
    if (result.exitCode !== 0)
      throw new RemoteFailure(`reading ${path}`, this.name, result.exitCode, result.stderr);
    return result.stdout;
  }

  /** Puts a local file in place in one step (a reader sees the old or the new one), checked by SHA-256. */
  async upload(localPath: string, remotePath: string, mode: number): Promise<void> {
    const digest = await sha256File(localPath);
    await this.#place(remotePath, mode, digest, () => createReadStream(localPath));
  }

  /** Puts small files in place in one exchange, each in one step; those that are as they should be stay untouched. */
  async write(files: readonly SmallFile[]): Promise<void> {
    if (files.length === 0) return;
    const script = files.map(({ path, content, mode }) => {
      const bytes = Buffer.from(content);
      const words = [path, createHash("sha256").update(bytes).digest("hex"), mode.toString(8)]
        .map(quote)
        .join(" ");
      return `place ${words} <<'END'\n${bytes.toString("base64").replace(/.{76}/g, "$&\n")}\nEND\n`;
    });
    await this.run(
      files.length === 1 ? `writing ${files[0]?.path ?? ""}` : "writing files",
      PLACE + script.join(""),
    );
  }

  async #place(
    path: string,
    mode: number,
    digest: string,
    content: () => NodeJS.ReadableStream,
  ): Promise<void> {
    const what = `writing ${path}`;
    const octal = mode.toString(8);
    await untilReachable(what, this.#signal, async () => {
      const present = await this.once(
        `sh -eu -s -- ${[path, digest, octal].map(quote).join(" ")}`,
        'echo "$2  $1" | sha256sum --check --status 2>/dev/null || exit 44\nchmod "$3" "$1"\n',
      );
      if (present.exitCode === 0) return;
      const script =
        'umask 077; mkdir -p "${1%/*}"; cat >"$1.new"; echo "$2  $1.new" | sha256sum --check --status; chmod "$3" "$1.new"; mv -f "$1.new" "$1"';
      const result = await this.once(
        `sh -euc ${quote(script)} sh ${[path, digest, octal].map(quote).join(" ")}`,
        content(),
      );
      if (result.exitCode !== 0)
        throw new RemoteFailure(what, this.name, result.exitCode, result.stderr);
    });
  }
}

/** Text or bytes for a path on the machine. */
export interface SmallFile {
  path: string;
  /** Permission bits. */
  mode: number;
  content: string | Buffer;
}

/** Writes base64 from stdin to $1 with SHA-256 $2 and mode $3, unless that is what is there. */
const PLACE = `
umask 077
place() {
  if echo "$2  $1" | sha256sum --check --status 2>/dev/null; then cat >/dev/null; chmod "$3" "$1"; return; fi
  mkdir -p "\${1%/*}"
  base64 -d >"$1.new"
  chmod "$3" "$1.new"
  mv -f "$1.new" "$1"
}
`;

/** SHA-256 of a file, hex. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
