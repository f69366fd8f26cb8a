import type { Socket } from "node:net";

/** JSON messages over a socket, one a line: what QMP and the guest agent both speak. */
export class JsonLines {
  readonly #socket: Socket;
  readonly #waiting: { resolve: (message: unknown) => void; reject: (error: Error) => void }[] = [];
  readonly #unread: unknown[] = [];
  #partial = "";
  #failure: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      this.#take(text);
    });
    socket.on("error", (error) => {
      this.#fail(error);
    });
    socket.on("close", () => {
      this.#fail(new Error("the other side closed the socket"));
    });
  }

  send(message: unknown): void {
    this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** The next message, or an error after `timeoutMs`. */
  receive(timeoutMs: number): Promise<unknown> {
    if (this.#unread.length > 0) return Promise.resolve(this.#unread.shift());
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const waiter = {
        resolve: (message: unknown) => {
          clearTimeout(timer);
          resolve(message);
        },
        reject: (error: Error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(new Error(`no answer in ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiting.push(waiter);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) {
      // The guest agent prefixes 0xff to its answer to guest-sync-delimited.
      const clean = line.replaceAll("\uFFFD", "").trim();
      if (clean === "") continue;
      let message: unknown;
      try {
        message = JSON.parse(clean);
      } catch {
        continue; // Noise from a guest that was cut off in mid-answer; the sync that follows finds its own reply.
      }
      const waiter = this.#waiting.shift();
      if (waiter === undefined) this.#unread.push(message);
      else waiter.resolve(message);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }
}
