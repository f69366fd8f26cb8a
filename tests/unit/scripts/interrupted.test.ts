import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { describe, expect, test } from "vitest";
import { clearDeadLocks, locksIn, pastDeadLocks } from "../../../scripts/lib/interrupted.ts";
import { UserError } from "../../../scripts/lib/userError.ts";
import type { Workspace } from "../../../scripts/lib/workspace.ts";
import { useChildren } from "../helpers/child.ts";
import { useFolder } from "../helpers/folder.ts";

const folder = useFolder();
const start = useChildren();

describe("locks", () => {
  const LOCKS = ".pulumi/locks/organization/v4vsockets-testbed/dev";
  const workspace = (url = `file://${folder()}`) =>
    ({ stack: "dev", backend: { url, chosenBy: "default" } }) as unknown as Workspace;

  function lock(pid: number, host = hostname()): string {
    mkdirSync(folder(LOCKS), { recursive: true });
    const name = `${pid}.json`;
    const timestamp = "2026-01-01T00:00:00Z";
    writeFileSync(
      folder(LOCKS, name),
      JSON.stringify({ pid, username: "somebody", hostname: host, timestamp }),
    );
    return name;
  }

  function clear(): { said: string[]; error: unknown } {
    const said: string[] = [];
    try {
      clearDeadLocks(workspace(), (line) => said.push(line));
      return { said, error: undefined };
    } catch (error) {
      return { said, error };
    }
  }

  test("of an engine that was killed are removed, and it is said", () => {
    lock(2 ** 22 + 1);
    expect(clear()).toEqual({
      said: ["An earlier run (process 4194305) was killed; its lock is removed"],
      error: undefined,
    });
    expect(readdirSync(folder(LOCKS))).toEqual([]);
  });

  test("go with the file that the engine puts beside each", () => {
    // As seen of Pulumi 3.259: its file store keeps a content type and a checksum in NAME.attrs.
    const name = lock(2 ** 22 + 1);
    writeFileSync(
      folder(LOCKS, `${name}.attrs`),
      '{"user.content_type":"text/plain; charset=utf-8","user.metadata":null,"md5":"LGRHJbaMUnoTAjOpRKJeww=="}\n',
    );
    expect(clear().error).toBeUndefined();
    expect(readdirSync(folder(LOCKS)).filter((file) => file.endsWith(".json"))).toEqual([]);
    expect(clear()).toEqual({ said: [], error: undefined });
  });

  test("of an engine that runs stay, and the user is told whose they are", async () => {
    const { pid } = await start("sleep", ["60"], { argv0: "/usr/bin/pulumi" });
    const name = lock(pid);
    const { error } = clear();
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(
      new RegExp(
        `^stack dev is being worked on by process ${pid} of somebody on .* since 2026-01-01.*; wait for it to end$`,
      ),
    );
    expect(existsSync(folder(LOCKS, name))).toBe(true);
  });

  test("whose number another program has by now are nobody's", async () => {
    const { pid } = await start("sleep", ["60"]);
    lock(pid);
    expect(clear().error).toBeUndefined();
  });

  test("of another computer stay, with the way out if it is gone", () => {
    const name = lock(2 ** 22 + 1, "elsewhere");
    const { error } = clear();
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toContain(
      'on elsewhere since 2026-01-01T00:00:00Z; wait for it to end, or run "pulumi cancel"',
    );
    expect(existsSync(folder(LOCKS, name))).toBe(true);
  });

  test("of other stacks, and of backends that are no folder, are not looked at", () => {
    mkdirSync(folder(LOCKS, "../other"), { recursive: true });
    writeFileSync(folder(LOCKS, "../other/x.json"), "not even JSON");
    expect(clear()).toEqual({ said: [], error: undefined });
    clearDeadLocks(workspace("s3://bucket"), () => undefined);
    clearDeadLocks(workspace(`file://${folder("absent")}`), () => undefined);
    expect(existsSync(folder(LOCKS, "../other/x.json"))).toBe(true);
  });
});

describe("locks in a backend elsewhere", () => {
  /** As seen of Pulumi 3.259 with object storage. */
  const locked = (...holders: string[]) =>
    `error: the stack is currently locked by ${holders.length} lock(s). Either wait for the other process(es) to end or delete the lock file with \`pulumi cancel\`.\n` +
    holders.map((by) => `  s3://b/.pulumi/locks/x.json: created by ${by}\n`).join("");
  const by = (pid: number, host = hostname()) => `ann@${host} (pid ${pid}) at 2026-01-01T00:00:00Z`;
  const DEAD = 2 ** 22 + 1;

  /** Runs something that ends like this, each time with other last words. */
  async function run(...ends: [code: number, said: string][]) {
    const told: string[][] = [];
    const said: string[] = [];
    const workspace = {
      ...{ stack: "dev", backend: { url: "s3://b", chosenBy: "PULUMI_BACKEND_URL" } },
      must: (...args: string[]) => told.push(args),
    } as unknown as Workspace;
    let runs = 0;
    const result = await pastDeadLocks(
      workspace,
      (line) => said.push(line),
      (hear) => {
        const [code, words] = ends[runs++] ?? [0, ""];
        hear?.(words);
        return Promise.resolve(code);
      },
    ).catch((error: unknown) => error);
    return { result, told, said, runs };
  }

  test("of engines that were killed are removed, and it goes on", async () => {
    const { result, told, said, runs } = await run([255, locked(by(DEAD), by(DEAD + 1))]);
    expect({ result, runs }).toEqual({ result: 0, runs: 2 });
    expect(told).toEqual([["cancel", "--yes", "--stack", "dev"]]);
    expect(said).toHaveLength(2);
    expect(said[0]).toBe(`An earlier run (process ${DEAD}) was killed; its lock is removed`);
  });

  test("stay if one of them is of a living engine, or of another computer", async () => {
    const { pid } = await start("sleep", ["60"], { argv0: "/usr/bin/pulumi" });
    for (const other of [by(pid), by(DEAD, "elsewhere")]) {
      const { result, told, runs } = await run([255, locked(by(DEAD), other)]);
      expect(result).toBeInstanceOf(UserError);
      expect((result as Error).message).toContain("is being worked on by process");
      expect({ told, runs }).toEqual({ told: [], runs: 1 });
    }
  });

  test("are met once more at most", async () => {
    const again: [number, string] = [255, locked(by(DEAD))];
    expect(await run(again, again)).toMatchObject({ result: 255, runs: 2 });
  });

  test("are told from other failures, and from words of a run that succeeded", async () => {
    expect(await run([7, "error: created by ann@box (pid 1) at noon"])).toMatchObject({
      ...{ result: 7, runs: 1, told: [] },
    });
    expect(await run([0, locked(by(DEAD))])).toMatchObject({ result: 0, runs: 1, told: [] });
  });

  test("are read in colours, too", () => {
    const red = `\u001b[38;5;9merror: \u001b[0m${locked(by(7, "box"))}`;
    expect(locksIn(red)).toEqual([
      { pid: 7, username: "ann", hostname: "box", timestamp: "2026-01-01T00:00:00Z" },
    ]);
  });
});
