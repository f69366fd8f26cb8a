import { JsonLines } from "./lines.ts";
import { connectUnix } from "./socket.ts";

interface Message {
  return?: unknown;
  error?: { class: string; desc: string };
  event?: string;
}

/** QEMU's monitor. Source: QEMU docs/interop/qmp-spec. */
export class Monitor {
  readonly #lines: JsonLines;

  private constructor(lines: JsonLines) {
    this.#lines = lines;
  }

  static async connect(socketPath: string): Promise<Monitor> {
    const lines = new JsonLines(await connectUnix(socketPath, 5000));
    await lines.receive(5000); // the greeting
    const monitor = new Monitor(lines);
    await monitor.execute("qmp_capabilities");
    return monitor;
  }

  async execute(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    this.#lines.send({ execute: command, arguments: args });
    for (;;) {
      const message = (await this.#lines.receive(30_000)) as Message;
      if (message.event !== undefined) continue;
      if (message.error !== undefined) throw new Error(`QEMU, ${command}: ${message.error.desc}`);
      return message.return;
    }
  }

  close(): void {
    this.#lines.close();
  }
}
