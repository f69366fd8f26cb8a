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
