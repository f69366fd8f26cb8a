import { randomInt } from "node:crypto";
import { JsonLines } from "./lines.ts";
import { connectUnix } from "./socket.ts";

interface Reply {
  return?: unknown;
  error?: { class: string; desc: string };
}

/** One command of the agent may take this long, ms; dom0 is slow while it boots under emulation. */
const COMMAND_MS = 30_000;

/**
 * The guest agent of the emulated machine (qemu-ga over a virtio serial port): the way to give a machine without
 * identity its keys and the time, before there is SSH. Source: QEMU docs/interop/qemu-ga-ref.
 */
export class GuestAgent {
  readonly #lines: JsonLines;

  private constructor(lines: JsonLines) {
    this.#lines = lines;
  }

  /** Connects and synchronises; fails if the agent does not answer within `timeoutMs`. */
  static async connect(socketPath: string, timeoutMs: number): Promise<GuestAgent> {
    const lines = new JsonLines(await connectUnix(socketPath, timeoutMs));
    try {
      const id = randomInt(2 ** 31);
      lines.send({ execute: "guest-sync", arguments: { id } });
      const until = Date.now() + timeoutMs;
      // Answers to what an earlier, interrupted controller asked come first.
      while (((await lines.receive(Math.max(1, until - Date.now()))) as Reply).return !== id);
      return new GuestAgent(lines);
    } catch (error) {
      lines.close();
      throw error;
    }
  }

  close(): void {
    this.#lines.close();
  }

  async #execute(command: string, args: Record<string, unknown>): Promise<unknown> {
    this.#lines.send({ execute: command, arguments: args });
    const reply = (await this.#lines.receive(COMMAND_MS)) as Reply;
    if (reply.error !== undefined) throw new Error(`guest agent, ${command}: ${reply.error.desc}`);
    return reply.return;
  }

  /** Runs a program to its end and returns its output; a non-zero exit code is an error. */
  async run(path: string, args: string[], input?: string): Promise<string> {
    const started = (await this.#execute("guest-exec", {
      path,
      arg: args,
      "capture-output": true,
      ...(input !== undefined && { "input-data": Buffer.from(input).toString("base64") }),
    })) as { pid: number };
    const until = Date.now() + COMMAND_MS;
    for (;;) {
      const status = (await this.#execute("guest-exec-status", { pid: started.pid })) as {
        exited: boolean;
        exitcode?: number;
        "out-data"?: string;
        "err-data"?: string;
      };
      if (status.exited) {
        const text = (data: string | undefined) => Buffer.from(data ?? "", "base64").toString();
        if (status.exitcode === 0) return text(status["out-data"]);
        throw new Error(
          `guest agent, ${path}: exit code ${status.exitcode ?? "none"}: ${text(status["err-data"]).trim()}`,
        );
      }
      if (Date.now() > until)
        throw new Error(`guest agent, ${path}: not finished after ${COMMAND_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Runs a shell script given on standard input. */
  shell(script: string, ...args: string[]): Promise<string> {
    return this.run("/bin/sh", ["-eu", "-s", "--", ...args], script);
  }
}
