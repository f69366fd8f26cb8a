import { createServer } from "node:net";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { record } from "../../../provider/host/ledger.ts";
import { chooseFreePort } from "../../../provider/host/ports.ts";
import { identify, isRunning } from "../../../provider/host/processes.ts";
import { leftovers, markersIn, sweep } from "../../../scripts/lib/audit.ts";
import { useChildren } from "../helpers/child.ts";
import { useFolder } from "../helpers/folder.ts";

const folder = useFolder();
const start = useChildren();

const marker = `v4v-testbed-unit-${process.pid}-audit`;
const machine = (name = marker) => start("sleep", ["60"], { argv0: `type=11,value=${name}` });
const stack = () => {
  mkdirSync(folder("stack"), { recursive: true });
  return folder("stack");
};

describe("the sweep", () => {
  const swept = async () => {
    const said: string[] = [];
    await sweep(folder("stack"), (line) => said.push(line));
    return said;
  };

  test("ends what the ledger names, whether or not its start was written down, and removes the folder", async () => {
    const [one, two] = [await machine(), await machine(`${marker}-second`)];
    const identities = [one, two].map(({ pid }) => identify(pid));
    record(stack(), { kind: "process-intended", marker });
    record(stack(), {
      kind: "process",
      marker: `${marker}-second`,
      ...(identities[1] ?? { pid: 0, startTicks: "", bootId: "" }),
    });
    const said = await swept();
    for (const identity of identities)
      expect(identity !== undefined && isRunning(identity)).toBe(false);
    expect(said.sort()).toEqual(
      [one, two]
        .map(({ pid }) => `Ending process ${pid}, which an interrupted run left behind`)
        .sort(),
    );
    expect(existsSync(folder("stack"))).toBe(false);
  });

  test("leaves other stacks' machines alone", async () => {
    const other = await machine(`${marker}-other`);
    const identity = identify(other.pid);
    record(stack(), { kind: "process-intended", marker: `${marker}-mine` });
    expect(await swept()).toEqual([]);
    expect(identity !== undefined && isRunning(identity)).toBe(true);
  });

  test("of nothing does nothing", async () => {
    expect(await swept()).toEqual([]);
  });
});

describe("what is left", () => {
  test("is nothing, if there is nothing", async () => {
    expect(await leftovers(folder("stack"), new Set([marker]), await chooseFreePort())).toEqual([]);
    expect(await leftovers(folder("stack"), new Set(), undefined)).toEqual([]);
  });

  test("is named one by one: machine, other process, port, files, folder", async () => {
    const qemu = await machine();
    const other = await start("sleep", ["60"], { argv0: folder("stack/console.log") });
    stack();
    writeFileSync(folder("stack/disk.qcow2"), "");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const found = await leftovers(folder("stack"), new Set([marker]), port);
    await new Promise((resolve) => server.close(resolve));
    expect(found).toEqual([
      `process ${qemu.pid} (the emulated machine)`,
      `process ${other.pid} (names the stack's folder in its arguments)`,
      `port ${port} of loopback is still listened on`,
      `file ${folder("stack/disk.qcow2")}`,
      `folder ${folder("stack")}`,
    ]);
  });
});

test("the markers are those of the ledger, each once", () => {
  expect(markersIn(folder("absent"))).toEqual(new Set());
  record(stack(), { kind: "process-intended", marker });
  record(stack(), { kind: "process", marker, pid: 1, startTicks: "1", bootId: "b" });
  record(stack(), { kind: "file", path: "/x" });
  expect(markersIn(folder("stack"))).toEqual(new Set([marker]));
});
