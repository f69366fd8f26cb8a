import { closeSync, createWriteStream, openSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { FILES } from "./arguments.ts";
import { Monitor } from "./monitor.ts";

/** A bound for writing or reading a machine's state, ms: gigabytes on a slow disk. */
const TRANSFER_MS = 300_000;

async function migrationDone(monitor: Monitor, signal: AbortSignal): Promise<void> {
  const until = Date.now() + TRANSFER_MS;
  for (;;) {
    signal.throwIfAborted();
    const { status, "error-desc": why } = (await monitor.execute("query-migrate")) as {
      status?: string;
      "error-desc"?: string;
    };
    if (status === "completed") return;
    if (status === "failed" || status === "cancelled")
      throw new Error(`QEMU could not save the machine: ${why ?? status}`);
    if (Date.now() > until) throw new Error("saving the machine did not end");
    await sleep(100);
  }
}

/**
 * Stops a machine, writes the state of its memory and devices into `file`, and ends it. Its disk stays as it was at
 * that moment. Goes through a socket because QEMU's sandbox may start no process, and QEMU before 8.2 writes to none
 * but a process or a socket.
 */
export async function freezeMachine(
  folder: string,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  rmSync(join(folder, FILES.state), { force: true });
  // By descriptor: sun_path holds 108 bytes (unix(7)), a cache folder may be deeper.
  const directory = openSync(folder, "r");
  const server = createServer();
  const written = new Promise<void>((resolve, reject) => {
    server.once("connection", (socket) => {
      pipeline(socket, createWriteStream(file, { mode: 0o600 }), { signal }).then(resolve, reject);
    });
    server.once("error", reject);
  });
  written.catch(() => undefined);
  await new Promise<void>((resolve) =>
    server.listen(`/proc/self/fd/${directory}/${FILES.state}`, resolve),
  );
  const monitor = await Monitor.connect(join(folder, FILES.monitor));
  try {
    await monitor.execute("stop");
    // Unbounded: the machine stands still, and there is no network to be considerate of.
    await monitor.execute("migrate-set-parameters", { "max-bandwidth": 2 ** 40 });
    await monitor.execute("migrate", { uri: `unix:${FILES.state}` });
    await migrationDone(monitor, signal);
    await written;
    await monitor.execute("quit").catch(() => undefined);
  } finally {
    monitor.close();
    server.close();
    closeSync(directory);
    rmSync(join(folder, FILES.state), { force: true });
  }
}

/** Waits until a machine started with a frozen state has taken it in, and lets it run. */
export async function thawMachine(folder: string, signal: AbortSignal): Promise<void> {
  const monitor = await Monitor.connect(join(folder, FILES.monitor));
  try {
    const until = Date.now() + TRANSFER_MS;
    for (;;) {
      signal.throwIfAborted();
      const { status } = (await monitor.execute("query-status")) as { status: string };
      if (status === "running") return;
      if (status === "paused" || status === "postmigrate") break;
      if (status !== "inmigrate") throw new Error(`the frozen machine came back ${status}`);
      if (Date.now() > until) throw new Error("reading the frozen machine did not end");
      await sleep(50);
    }
    await monitor.execute("cont");
  } finally {
    monitor.close();
  }
}
