import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, symlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { afterAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { useFolder } from "../helpers/folder.ts";
import { ask, connectTo, createRequest, savedBy } from "../helpers/plugin.ts";

const PROGRAM = join(import.meta.dirname, "../helpers/pluginProgram.ts");
const PROVIDER = join(import.meta.dirname, "../../../provider");

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
});

interface Started {
  child: ChildProcess;
  client: ReturnType<typeof connectTo>;
  /** Everything printed so far. */
  printed: { stdout: string; stderr: string };
  exited: Promise<number | null>;
}

async function start(program: string, ...args: string[]): Promise<Started> {
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`;
  const child = spawn(program, args, {
    env: { ...process.env, PATH },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const printed = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (printed.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (printed.stderr += chunk.toString()));
  const exited = once(child, "exit").then(([code]) => code as number | null);
  await eventually(`a port of ${program}`, () => printed.stdout.includes("\n"), 20_000);
  return { child, client: connectTo(Number(printed.stdout.split("\n")[0])), printed, exited };
}

const version = async ({ client }: Started): Promise<string> =>
  (await ask(client, client.getPluginInfo.bind(client), new empty.Empty())).getVersion();

/** Starts a create that does not end by itself; what becomes of it, once it is known. */
async function busy(
  { client, printed }: Started,
  stubborn: boolean,
): Promise<() => Promise<unknown>> {
  const outcome = ask(client, client.create.bind(client), createRequest({ stubborn })).catch(
    (error: unknown) => error,
  );
  await eventually("the create runs", () => printed.stderr.includes("busy"));
  return () => outcome;
}

describe.concurrent("a plugin process", () => {
  test.each([
    ["SIGINT", "interrupted"],
    ["SIGTERM", "terminated"],
  ] as const)("saves what runs when %s comes, then ends well", async (signal, reason) => {
    const plugin = await start(process.execPath, PROGRAM);
    expect(plugin.printed.stdout).toMatch(/^\d+\n$/);
    expect(await version(plugin)).toBe("9.9.9");
    const { client, child, exited } = plugin;
    const outcome = await busy(plugin, false);
    child.kill(signal);
    expect(savedBy(await outcome())).toMatchObject({ id: "the id", reasons: [reason] });
    expect(await exited).toBe(0);
    client.close();
  });

  test("ends at once when nothing runs", async () => {
    const { child, exited, client } = await start(process.execPath, PROGRAM);
    child.kill("SIGINT");
    expect(await exited).toBe(0);
    client.close();
  });

  test("does not wait for ever for what does not end, nor is it killed by the engine first", async () => {
    const plugin = await start(process.execPath, PROGRAM);
    const { client, child, exited } = plugin;
    const outcome = await busy(plugin, true);
    const asked = Date.now();
    child.kill("SIGINT");
    expect(await exited).toBe(0);
    const seconds = (Date.now() - asked) / 1000;
    expect(seconds).toBeGreaterThan(3);
    expect(seconds).toBeLessThan(8);
    expect(await outcome()).toBeInstanceOf(Error);
    client.close();
  });

  test("ends when its parent is gone", async () => {
    const script = '"$@" & echo "pid $!" >&2; wait';
    const plugin = await start("/bin/sh", "-c", script, "sh", process.execPath, PROGRAM);
    const pid = Number(/pid (\d+)/.exec(plugin.printed.stderr)?.[1]);
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toContain("pluginProgram");
    plugin.child.kill("SIGKILL");
    const alive = () => {
      try {
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
      } catch {
        return false;
      }
    };
    try {
      await eventually("the plugin ends", () => !alive());
    } finally {
      if (alive()) process.kill(pid, "SIGKILL");
    }
    plugin.client.close();
  });
});

describe("what the engine starts", () => {
  const folder = useFolder();

  test.each([
    ["pulumi-resource-v4v", "0.1.0"],
    ["command/pulumi-resource-command", "1.2.1"],
  ])("%s serves, also through a link from elsewhere", async (name, expected) => {
    symlinkSync(join(PROVIDER, name), folder("plugin"));
    const plugin = await start(folder("plugin"), "127.0.0.1:1");
    expect(await version(plugin)).toBe(expected);
    plugin.child.kill("SIGINT");
    expect(await plugin.exited).toBe(0);
    expect(plugin.printed.stderr).toBe("");
    plugin.client.close();
  });
});
