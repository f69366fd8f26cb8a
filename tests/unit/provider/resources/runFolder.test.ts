import { createServer, type Server } from "node:net";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { record } from "../../../../provider/host/ledger.ts";
import { identify, isRunning } from "../../../../provider/host/processes.ts";
import { Refused, type Prior, type Properties } from "../../../../provider/resource.ts";
import {
  runFolderResource as runFolder,
  type RunFolderOutputs,
} from "../../../../provider/resources/runFolder.ts";
import { reachedUser } from "../../../../provider/ssh/clientConfig.ts";
import { newKey } from "../../../../provider/ssh/keys.ts";
import { useChildren } from "../../helpers/child.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";

const folder = useFolder();
const start = useChildren();
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

const path = () => folder("state", "stack");
const ensure = async (sshPort = 0, prior?: Prior) =>
  (await runFolder.ensure(
    recordedContext(),
    { path: path(), sshPort },
    prior,
  )) as unknown as RunFolderOutputs;
const prior = (outputs: unknown): Prior => ({
  id: path(),
  inputs: { path: path(), sshPort: 0 },
  outputs: outputs as Properties,
});

async function usedPort(): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

test("the folder is its owner's alone, its keys are of its own, its name is unmistakable", async () => {
  const outputs = await ensure();
  expect(statSync(path()).mode & 0o777).toBe(0o700);
  const keys = [outputs.publicKey, outputs.hostPublicKey, outputs.dom0PublicKey];
  expect(new Set(keys).size).toBe(3);
  expect(outputs.marker).toMatch(/^v4v-testbed-[0-9a-f]{16}$/);
  expect(readFileSync(folder("state/stack/ssh/config"), "utf8")).toContain(
    `Port ${outputs.port}\n`,
  );
});

test("a folder that was open to others is closed", async () => {
  mkdirSync(path(), { recursive: true, mode: 0o755 });
  await ensure();
  expect(statSync(path()).mode & 0o777).toBe(0o700);
});

test("keys, port and name stay for the stack's life, also when the folder was removed", async () => {
  const first = await ensure();
  const again = await ensure(0, prior(first));
  expect(again).toEqual(first);
  const { port, ...rest } = await ensure(first.port, prior(first));
  expect({ port, ...rest }).toEqual(first);
});

test("a create that failed before it had keys makes them", async () => {
  const outputs = await ensure(0, prior({ path: path(), sshPort: 0 }));
  expect(outputs.privateKey).toContain("PRIVATE KEY");
  expect(outputs.port).toBeGreaterThan(1024);
});

test("a port that is asked for is used; one in use is refused before anything is made", async () => {
  const port = await usedPort();
  const error: unknown = await ensure(port).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Refused);
  expect((error as Error).message).toContain(`machine.sshPort: port ${port} of loopback is in use`);
  expect(existsSync(path())).toBe(false);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  expect((await ensure(port)).port).toBe(port);
});

test("its own port, which its machine listens on, is no obstacle", async () => {
  const port = await usedPort();
  expect((await ensure(port, prior({ ...(await ensure()), port }))).port).toBe(port);
});

test("another port moves the client's configuration, the keys stay", async () => {
  const first = await ensure();
  const port = await usedPort();
  await new Promise((resolve) => servers.pop()?.close(resolve));
  const moved = await ensure(port, prior(first));
  expect(moved).toEqual({ ...first, port });
  expect(readFileSync(folder("state/stack/ssh/config"), "utf8")).toContain(`Port ${port}\n`);
});

test("read knows whether it is there", async () => {
  const outputs = await ensure();
  expect(await runFolder.read(recordedContext(), prior(outputs))).toBeDefined();
  await runFolder.delete(recordedContext(), prior(outputs));
  expect(await runFolder.read(recordedContext(), prior(outputs))).toBeUndefined();
});

describe("delete", () => {
  test("ends what the ledger names, removes its files and the folder, and says so", async () => {
    const outputs = await ensure();
    const left = await start("sleep", ["60"], { argv0: `type=11,value=${outputs.marker}` });
    const other = await start("sleep", ["60"], { argv0: "type=11,value=v4v-testbed-other" });
    writeFileSync(folder("outside"), "");
    record(path(), { kind: "process-intended", marker: outputs.marker });
    record(path(), { kind: "file", path: folder("outside") });
    const [gone, stays] = [identify(left.pid), identify(other.pid)];
    const context = recordedContext();
    await runFolder.delete(context, prior(outputs));
    expect(gone !== undefined && isRunning(gone)).toBe(false);
    expect(stays !== undefined && isRunning(stays)).toBe(true);
    expect(existsSync(folder("outside"))).toBe(false);
    expect(existsSync(path())).toBe(false);
    expect(context.warnings.join()).toContain(`ending process ${left.pid}`);
  });

  test("bears that the folder is gone", async () => {
    await runFolder.delete(recordedContext(), prior({}));
    expect(existsSync(path())).toBe(false);
  });
});

describe("of a stack on an existing host", () => {
  const { publicKey: hostKey } = newKey("rack");
  const reached = {
    host: "rack1.example",
    port: 22,
    user: "admin",
    keyFile: "/keys/rack",
    hostKey,
  };
  const inputs = { path: path(), sshPort: 0, reached };
  const onHost = (before?: Prior) =>
    runFolder.ensure(recordedContext(), { ...inputs, path: path() }, before);

  test("has keys for its domUs, no port, and an entry that leads to the host", async () => {
    const outputs = await onHost();
    expect(outputs.port).toBe(0);
    const config = readFileSync(folder("state/stack/ssh/config"), "utf8");
    expect(config).toContain("HostName rack1.example\n  Port 22\n  User admin\n");
    expect(reachedUser(config)).toBe("admin");
    expect(readFileSync(folder("state/stack/ssh/known_hosts"), "utf8")).toBe(`host ${hostKey}\n`);
    const again = await onHost({ id: path(), inputs: { ...inputs, path: path() }, outputs });
    expect(again).toEqual(outputs);
  });

  test("stays on that host: it has to be destroyed before it goes elsewhere", async () => {
    const outputs = await onHost();
    const before: Prior = { id: path(), inputs: { ...inputs, path: path() }, outputs };
    const other = {
      ...inputs,
      path: path(),
      reached: { ...reached, hostKey: newKey("x").publicKey },
    };
    await expect(runFolder.ensure(recordedContext(), other, before)).rejects.toThrow(
      /another host.*destroy/,
    );
    await expect(ensure(0, before)).rejects.toThrow(/another host/);
    const emulated = prior(await ensure());
    await expect(onHost(emulated)).rejects.toThrow(/its emulated machine.*destroy/);
    // Nothing has been made there yet.
    const outputsElsewhere = await runFolder.ensure(recordedContext(), other, {
      ...before,
      outputs: {},
      unfinished: true,
    });
    expect(outputsElsewhere.privateKey).not.toBe(outputs.privateKey);
    // The same host by another name is the same.
    const moved = { ...inputs, path: path(), reached: { ...reached, host: "192.0.2.1" } };
    await runFolder.ensure(recordedContext(), moved, before);
    expect(readFileSync(folder("state/stack/ssh/config"), "utf8")).toContain("HostName 192.0.2.1");
  });

  test("is the same stack on another computer, or in another clone: its keys are in the state", async () => {
    const first = await onHost();
    const before: Prior = { id: path(), inputs: { ...inputs, path: path() }, outputs: first };
    await runFolder.delete(recordedContext(), before);
    const read = await runFolder.read(recordedContext(), before);
    expect(read?.outputs).toEqual({ ...first, absent: true });
    const seen: Prior = { ...before, outputs: read?.outputs ?? {} };
    const there = { ...inputs, path: folder("elsewhere") };
    expect(runFolder.diff?.(seen, { ...there, path: path() })).toEqual({ changed: ["path"] });
    expect(runFolder.diff?.(seen, there)).not.toHaveProperty("replace");
    const again = await runFolder.ensure(recordedContext(), there, seen);
    expect(again).toEqual(first);
    expect(existsSync(folder("elsewhere/ssh/config"))).toBe(true);
    const moved: Prior = { id: path(), inputs: there, outputs: again };
    expect(runFolder.diff?.(moved, there)).toEqual({});
    await runFolder.delete(recordedContext(), moved);
    expect(existsSync(folder("elsewhere"))).toBe(false);
  });
});

test("the folder of an emulated machine is where the machine is: elsewhere it is another one", () => {
  const here = { path: "/a", sshPort: 0 };
  const before: Prior = { id: "/a", inputs: here, outputs: {} };
  expect(runFolder.diff?.(before, here)).toEqual({});
  expect(runFolder.diff?.(before, { ...here, path: "/b" })).toEqual({ replace: ["path"] });
});
