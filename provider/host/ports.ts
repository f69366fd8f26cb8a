import { createServer } from "node:net";

/** Whether a TCP port of loopback can be listened on now. */
export function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(false);
    });
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () =>
      server.close(() => {
        resolve(true);
      }),
    );
  });
}

/** A port of loopback that is free now, outside the range from which the kernel picks for outgoing connections. */
export async function chooseFreePort(): Promise<number> {
  const first = 20_000;
  const count = 10_000;
  const start = Math.floor(Math.random() * count);
  for (let i = 0; i < 200; i++) {
    const port = first + ((start + i * 7) % count);
    if (await portIsFree(port)) return port;
  }
  throw new Error(`none of 200 ports tried from ${first} on is free on loopback`);
}
