import { createReadStream } from "node:fs";
import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
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

  /**
   * Runs a command line once; the exit code is the caller's to judge.
   *
   * @param stdin a stream is opened when the command has begun: one that nobody reads has nobody who hears of its error
   */
  async once(command: string, stdin?: Buffer | string | (() => Readable)): Promise<Result> {
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
        else {
          const source = stdin();
          source.once("error", (failure) => {
            unhook();
            channel.close();
            reject(failure);
          });
          source.pipe(channel);
        }
      };
      try {
        client.exec(asRoot(this.connection, command), handle);
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
    await this.place([{ path: remotePath, mode, source: localPath }]);
  }

  /** Puts small files in place, as {@link place} does. */
  async write(files: readonly SmallFile[]): Promise<void> {
    await this.place(files);
  }

  /**
   * Puts files in place, each in one step. Those that are as they should be stay untouched, and one exchange is enough
   * to know it: what is small goes along with the question, what comes from a file is sent after it.
   *
   * @param note remote file that is made before anything is changed; who has done what has to follow removes it
   * @returns whether anything was changed, now or by one who was interrupted before he removed the note
   */
  async place(files: readonly (SmallFile | FileToSend)[], note?: string): Promise<boolean> {
    if (files.length === 0) return false;
    const known = await Promise.all(
      files.map(async (file) => ({
        ...file,
        octal: file.mode.toString(8),
        digest:
          "source" in file
            ? await sha256File(file.source)
            : createHash("sha256").update(file.content).digest("hex"),
      })),
    );
    const script = known.map((file, i) => {
      const words = [String(i), file.path, file.octal].map(quote).join(" ");
      if ("source" in file) return `right ${words} || echo ${i}\n`;
      const bytes = Buffer.from(file.content);
      const text = bytes.toString();
      // What the shell can hold in a word costs no process to decode it.
      if (!text.includes("\0") && Buffer.from(text).equals(bytes))
        return `right ${words} || place ${words} ${quote(text)}\n`;
      const base64 = bytes.toString("base64").replace(/.{76}/g, "$&\n");
      return `right ${words} || place ${words} <<'END'\n${base64}\nEND\n`;
    });
    const what = files.length === 1 ? `writing ${files[0]?.path ?? ""}` : "writing files";
    const look = [
      PLACE,
      `note=${quote(note ?? "")}`,
      ...known.map(({ digest }, i) => `digest${i}=${digest}`),
      `look ${known.map(({ path }) => quote(path)).join(" ")}`,
      "",
    ].join("\n");
    const said = (await this.run(what, look + script.join(""))).split("\n");
    for (const [i, file] of known.entries()) {
      if ("source" in file && said.includes(String(i))) await this.#send(file);
    }
    return said.includes("changed");
  }

  async #send(file: FileToSend & { octal: string; digest: string }): Promise<void> {
    const what = `writing ${file.path}`;
    const words = [file.path, file.digest, file.octal].map(quote).join(" ");
    const script =
      'umask 077; mkdir -p "${1%/*}"; cat >"$1.new"; echo "$2  $1.new" | sha256sum --check --status; chmod "$3" "$1.new"; mv -f "$1.new" "$1"';
    await untilReachable(what, this.#signal, async () => {
      const result = await this.once(`sh -euc ${quote(script)} sh ${words}`, () =>
        createReadStream(file.source),
      );
      if (result.exitCode !== 0)
        throw new RemoteFailure(what, this.name, result.exitCode, result.stderr);
    });
  }
}

/** A command line of the far side's shell, as root runs it. */
const asRoot = ({ sudo }: Connection, command: string): string =>
  sudo === true ? `sudo -n -- sh -c ${quote(command)}` : command;

/** Text or bytes for a path on the machine. */
export interface SmallFile {
  path: string;
  /** Permission bits. */
  mode: number;
  content: string | Buffer;
}

/** A file of the controller for a path on the machine. */
export interface FileToSend {
  path: string;
  mode: number;
  source: string;
}

/**
 * `look PATH...` asks for digests and modes of all at once: a process costs tens of milliseconds under emulation.
 * `right NUMBER PATH MODE` is whether the file is what digestNUMBER says, and sees to its mode. `place NUMBER PATH MODE
 * [TEXT]` writes the text, or what base64 is on stdin.
 */
const PLACE = `
umask 077
nl='
'
look() {
  sums=$nl$(sha256sum -z -- "$@" 2>/dev/null | tr '\\0' '\\n')$nl
  modes=$nl$(stat -c '%a %n' -- "$@" 2>/dev/null || :)$nl
  [ -z "$note" ] || [ ! -e "$note" ] || echo changed
}
change() {
  [ -z "$note" ] || { mkdir -p "\${note%/*}"; : >"$note"; }
  echo changed
}
right() {
  eval "digest=\\$digest$1"
  case $sums in
  *"$nl$digest  $2$nl"*) ;;
  *) change; return 1 ;;
  esac
  case $modes in
  *"$nl$3 $2$nl"*) ;;
  *) chmod "$3" "$2" ;;
  esac
}
place() {
  [ -d "\${2%/*}" ] || mkdir -p "\${2%/*}"
  if [ $# = 4 ]; then printf %s "$4" >"$2.new"; else base64 -d >"$2.new"; fi
  chmod "$3" "$2.new"
  mv -f "$2.new" "$2"
}
`;

/** SHA-256 of a file, hex. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
