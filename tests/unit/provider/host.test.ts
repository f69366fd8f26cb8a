import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { homedir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { consoleTail } from "../../../provider/host/console.ts";
import { cacheFolder, cloneStateFolder, runFolder } from "../../../provider/host/folders.ts";
import { readLedger, record, type Entry } from "../../../provider/host/ledger.ts";
import { chooseFreePort, portIsFree } from "../../../provider/host/ports.ts";
import { Semaphore } from "../../../provider/host/semaphore.ts";
import { useFolder } from "../helpers/folder.ts";
import { hostileText } from "../helpers/hostileText.ts";
import fc, { runs } from "../helpers/property.ts";

const folder = useFolder();

const servers: Server[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

describe("ports", () => {
  const listen = (host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const server = createServer();
      servers.push(server);
      server.once("error", reject);
      server.listen({ host, port: 0 }, () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });

  test("a port that somebody listens on is not free, on loopback or on every address", async () => {
    for (const host of ["127.0.0.1", "0.0.0.0"]) {
      const port = await listen(host);
      expect(await portIsFree(port)).toBe(false);
      await new Promise((resolve) => servers.pop()?.close(resolve));
      expect(await portIsFree(port)).toBe(true);
    }
  });

  test("asking leaves the port free", async () => {
    const port = await listen("127.0.0.1");
    await new Promise((resolve) => servers.pop()?.close(resolve));
    for (let i = 0; i < 3; i++) expect(await portIsFree(port)).toBe(true);
  });

  test("a chosen port is free and not one that the kernel hands out", async () => {
    const [low] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8")
      .trim()
      .split(/\s+/);
    const ports = await Promise.all(Array.from({ length: 5 }, () => chooseFreePort()));
    for (const port of ports) {
      expect(port).toBeGreaterThanOrEqual(20_000);
      expect(port).toBeLessThan(Math.max(30_000, Number(low)));
      expect(await portIsFree(port)).toBe(true);
    }
  });

  test("a port in use is passed over", async () => {
    const random = vi.spyOn(Math, "random").mockReturnValue(0.5);
    try {
      const first = await chooseFreePort();
      const server = createServer();
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(first, "127.0.0.1", resolve));
      const second = await chooseFreePort();
      expect(second).not.toBe(first);
      expect(await portIsFree(second)).toBe(true);
    } finally {
      random.mockRestore();
    }
  });
});

describe("the ledger", () => {
  const started: Entry = {
    kind: "process",
    marker: "v4v-testbed-1",
    pid: 42,
    startTicks: "7",
    bootId: "b",
  };
  const intended: Entry = { kind: "process-intended", marker: "v4v-testbed-1" };
  const file: Entry = { kind: "file", path: '/tmp/with "quotes"\nand a newline' };

  test("gives back hostile texts as they were, each as one entry", () => {
    const path = folder();
    const all: Entry[] = [];
    fc.assert(
      fc.property(hostileText(), (text) => {
        const entry: Entry = { kind: "process-intended", marker: text };
        all.push(entry, { kind: "file", path: text });
        for (const one of all.slice(-2)) record(path, one);
      }),
      { numRuns: runs(50) },
    );
    expect(readLedger(path)).toMatchObject(all);
    expect(statSync(`${path}/ledger.jsonl`).mode & 0o777).toBe(0o600);
  });

  test("gives back what was written, in order, with the time of each", () => {
    for (const entry of [intended, started, file]) record(folder(), entry);
    const entries = readLedger(folder());
    expect(entries).toMatchObject([intended, started, file]);
    for (const entry of entries)
      expect(entry).toHaveProperty("time", expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/));
  });

  test("is nobody else's to read", () => {
    record(folder(), intended);
    expect(statSync(folder("ledger.jsonl")).mode & 0o777).toBe(0o600);
  });

  test("that does not exist is empty", () => {
    expect(readLedger(folder())).toEqual([]);
    expect(readLedger(folder("nothing", "here"))).toEqual([]);
  });

  test("may end in a line that was cut short", () => {
    record(folder(), intended);
    record(folder(), started);
    const text = readFileSync(folder("ledger.jsonl"), "utf8");
    for (const length of [1, 10, text.length - intended.marker.length]) {
      writeFileSync(folder("ledger.jsonl"), text.slice(0, text.length - length));
      expect(readLedger(folder()).length).toBeLessThanOrEqual(1);
    }
  });

  test("goes on after a line that was cut short", () => {
    record(folder(), intended);
    appendFileSync(folder("ledger.jsonl"), '{"time":"2026-01-01T00:00:00.000Z","kind":"proc');
    record(folder(), started);
    record(folder(), file);
    expect(readLedger(folder())).toMatchObject([intended, started, file]);
  });
});

describe("the end of a console", () => {
  const tail = (content: string | Buffer, lines = 5): string => {
    writeFileSync(folder("console.log"), content);
    return consoleTail(folder("console.log"), lines);
  };

  test("is its last lines, empty ones left out", () => {
    expect(tail("one\ntwo\n\n  \nthree\nfour\n", 3)).toBe("two\nthree\nfour");
    expect(tail("only")).toBe("only");
  });

  test("is free of what moves cursors, sets colours or rings bells", () => {
    expect(
      tail("\u001b[2J\u001b[01;32mgreen\u001b[0m\r\n\u001b[5;7H\u0007text\u0000\u0008!\u007f"),
    ).toBe("green\ntext!");
    expect(tail("\u001b[?25lcur\u001b[1 qsor\ttab")).toBe("cursor\ttab");
  });

  test("holds no byte that a terminal could take for a command, whatever was in it", () => {
    const bytes = Buffer.from(Array.from({ length: 256 * 8 }, (_, i) => (i * 167) % 256));
    expect(tail(bytes, 100)).toMatch(/^[\n\t\x20-\x7e]*$/);
  });

  test("of a large log is read without the rest", () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}`);
    expect(tail(lines.join("\n"), 3)).toBe("line 19997\nline 19998\nline 19999");
    expect(tail(`${"x".repeat(200_000)}\nlast\n`, 1)).toBe("last");
  });

  test("of nothing says so", () => {
    expect(tail("")).toBe("(no console output)");
    expect(tail("\n \r\n\u001b[0m\n")).toBe("(no console output)");
    expect(consoleTail(folder("absent.log"), 5)).toBe("(no console output)");
  });
});

describe("folders", () => {
  test("are the home's unless XDG names others", () => {
    vi.stubEnv("XDG_CACHE_HOME", undefined);
    vi.stubEnv("XDG_STATE_HOME", undefined);
    expect(cacheFolder()).toBe(`${homedir()}/.cache/v4v-testbed`);
    expect(runFolder("/p", "dev")).toMatch(
      new RegExp(`^${homedir()}/\\.local/state/v4v-testbed/[0-9a-f]{12}/stacks/dev$`),
    );
    vi.stubEnv("XDG_CACHE_HOME", "/caches");
    vi.stubEnv("XDG_STATE_HOME", "/states");
    expect(cacheFolder()).toBe("/caches/v4v-testbed");
    expect(cloneStateFolder("/p")).toMatch(/^\/states\/v4v-testbed\/[0-9a-f]{12}$/);
  });

  test("follow HOME", () => {
    vi.stubEnv("XDG_CACHE_HOME", undefined);
    vi.stubEnv("HOME", "/somebody");
    expect(cacheFolder()).toBe("/somebody/.cache/v4v-testbed");
  });

  test.each(["", "relative/path", "./x", "~/x"])(
    "ignore XDG_CACHE_HOME=%j, which is not absolute",
    (value) => {
      vi.stubEnv("XDG_CACHE_HOME", value);
      expect(cacheFolder()).toBe(`${homedir()}/.cache/v4v-testbed`);
    },
  );

  test("belong to one clone and one stack", () => {
    const all = [
      runFolder("/a", "dev"),
      runFolder("/b", "dev"),
      runFolder("/a", "other"),
      runFolder("/a/b", "dev"),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(runFolder("/a/", "dev")).toBe(all[0]);
    expect(runFolder("/x/../a", "dev")).toBe(all[0]);
  });
});

describe("the semaphore", () => {
  test("lets so many in and no more, the others in their order", async () => {
    const semaphore = new Semaphore(3);
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    const work = Array.from({ length: 12 }, (_, i) =>
      semaphore.run(async () => {
        order.push(i);
        inside += 1;
        most = Math.max(most, inside);
        await sleep(5);
        inside -= 1;
        return i * i;
      }),
    );
    expect(await Promise.all(work)).toEqual(Array.from({ length: 12 }, (_, i) => i * i));
    expect(most).toBe(3);
    expect(order).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });

  test("gives the place back when work fails", async () => {
    const semaphore = new Semaphore(1);
    const failing = Array.from({ length: 3 }, (_, i) =>
      semaphore.run(() => Promise.reject(new Error(`number ${i}`))),
    );
    for (const [i, outcome] of (await Promise.allSettled(failing)).entries())
      expect(outcome).toMatchObject({ status: "rejected", reason: new Error(`number ${i}`) });
    expect(await semaphore.run(() => Promise.resolve("again"))).toBe("again");
  });
});
