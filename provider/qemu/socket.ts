import { closeSync, openSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { basename, dirname } from "node:path";

/**
 * Connects to a UNIX socket whatever the length of its path: sun_path holds 108 bytes (unix(7)), a state folder may be
 * deeper, so the folder is named by a descriptor.
 */
export function connectUnix(path: string, timeoutMs: number): Promise<Socket> {
  const folder = openSync(dirname(path), "r");
  return new Promise((resolve, reject) => {
    const socket = createConnection(`/proc/self/fd/${folder}/${basename(path)}`);
    const fail = (error: Error) => {
      closeSync(folder);
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => {
      fail(new Error(`${path}: no answer in ${timeoutMs} ms`));
    });
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.removeListener("error", fail);
      closeSync(folder);
      resolve(socket);
    });
  });
}
