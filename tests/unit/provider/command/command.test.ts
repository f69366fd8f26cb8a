import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { toConnection } from "../../../../provider/command/connection.ts";
import { copyToRemote } from "../../../../provider/command/copyToRemote.ts";
import { remoteCommand } from "../../../../provider/command/remoteCommand.ts";
import type { Prior, Properties } from "../../../../provider/resource.ts";
import { inputDiff } from "../../../../provider/rpc/values.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const prior = (inputs: Properties, outputs: Properties = {}): Prior => ({
  id: "cmd",
  inputs,
  outputs,
});
const connection = async (): Promise<Properties> => ({ ...(await farSide()).connection });

describe("a remote command", () => {
  test("returns what it printed, one newline less, as the official plugin does", async () => {
    const inputs = {
      connection: await connection(),
      create: "printf 'a\\nb\\n\\n'; echo warn >&2",
    };
    expect(await remoteCommand.ensure(recordedContext(), inputs, undefined)).toEqual({
      stdout: "a\nb\n",
      stderr: "warn",
    });
  });

  test("gets its input and its variables whole, and those of the run before", async () => {
    const inputs = {
      connection: await connection(),
      create: 'cat; printf "|%s|%s" "$A" "${PULUMI_COMMAND_STDOUT-none}"',
      update: 'printf "%s" "$PULUMI_COMMAND_STDOUT"',
      stdin: "in",
      environment: { A: "$(x) 'y'\nz" },
    };
    const created = await remoteCommand.ensure(recordedContext(), inputs, undefined);
    expect(created.stdout).toBe("in|$(x) 'y'\nz|none");
    expect(await remoteCommand.ensure(recordedContext(), inputs, prior(inputs, created))).toEqual(
      created,
    );
  });

  test("runs create where that never came to its end", async () => {
    const inputs = { connection: await connection(), create: "echo create", update: "echo update" };
    const half = { ...prior(inputs), unfinished: true as const };
    expect((await remoteCommand.ensure(recordedContext(), inputs, half)).stdout).toBe("create");
  });

  test("runs update, or else create, on an update; delete at the end, or else nothing", async () => {
    const log = (word: string) => `echo ${word} >>'${folder("log")}'`;
    const inputs = { connection: await connection(), create: log("create"), delete: log("delete") };
    await remoteCommand.ensure(recordedContext(), inputs, prior(inputs));
    await remoteCommand.ensure(
      recordedContext(),
      { ...inputs, update: log("update") },
      prior(inputs),
    );
    await remoteCommand.delete(recordedContext(), prior(inputs));
    await remoteCommand.delete(recordedContext(), prior({ connection: inputs.connection }));
    expect(readFileSync(folder("log"), "utf8")).toBe("create\nupdate\ndelete\n");
    expect(
      await remoteCommand.ensure(recordedContext(), { connection: inputs.connection }, undefined),
    ).toEqual({ stdout: "", stderr: "" });
  });

  test("that fails says which, where, how, and what it complained of", async () => {
    const inputs = { connection: await connection(), create: "echo broken >&2; exit 4" };
    await expect(remoteCommand.ensure(recordedContext(), inputs, undefined)).rejects.toThrow(
      /^"echo broken >&2; exit 4" on root@127\.0\.0\.1:\d+ failed with exit code 4:\nbroken$/,
    );
  });

  test.each(["A B", "A;reboot", "1A", "", "A=B", "A\n"])(
    "takes no variable called %j",
    async (name) => {
      const inputs = {
        connection: await connection(),
        create: "true",
        environment: { [name]: "x" },
      };
      await expect(remoteCommand.ensure(recordedContext(), inputs, undefined)).rejects.toThrow(
        "is not a name of a variable",
      );
    },
  );

  test.each([
    ["stdout", ["out"]],
    ["stderr", ["err"]],
    ["stdoutAndStderr", ["out", "err"]],
    ["none", []],
  ])("with logging %s shows that much", async (logging, shown) => {
    const context = recordedContext();
    const inputs = { connection: await connection(), create: "echo out; echo err >&2", logging };
    await remoteCommand.ensure(context, inputs, undefined);
    expect(context.statuses).toEqual(shown);
  });

  test("is another one for other triggers, the same over another connection", () => {
    const inputs = { connection: { host: "a" }, create: "x", triggers: [1] };
    const diff = (parts: Properties) =>
      inputDiff(prior(inputs), { ...inputs, ...parts }, remoteCommand);
    expect(diff({ triggers: [2] }).replace).toEqual(["triggers"]);
    expect(diff({ connection: { host: "b" } }).changed).toEqual([]);
    expect(diff({ create: "y" })).toEqual({ changed: ["create"], replace: [] });
  });
});

describe("a connection", () => {
  const whole = { host: "h", privateKey: "k", hostKey: "ssh-ed25519 A" };
  test("without a pinned key, or without a key to log in with, is refused", () => {
    expect(() => toConnection({ host: "h", privateKey: "k" })).toThrow(
      "connection.hostKey is required",
    );
    expect(() => toConnection({ host: "h", hostKey: "k" })).toThrow(
      "connection.privateKey is required",
    );
    expect(() => toConnection({ ...whole, proxy: { host: "p" } })).toThrow("is required");
  });

  test("has the usual port and user, and keeps its proxy", () => {
    const direct = { ...whole, port: 22, user: "root" };
    expect(toConnection({ ...whole, proxy: { ...whole, port: 23 } })).toEqual({
      ...direct,
      via: { ...direct, port: 23 },
    });
  });
});

describe("a copy", () => {
  const asset = (parts: Properties) => ({
    "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17",
    ...parts,
  });

  test("of a file, or of a text, arrives", async () => {
    writeFileSync(folder("local"), "from a file");
    const to = { connection: await connection(), remotePath: folder("far/copy") };
    await copyToRemote.ensure(
      recordedContext(),
      { ...to, source: asset({ path: folder("local") }) },
      undefined,
    );
    expect(readFileSync(folder("far/copy"), "utf8")).toBe("from a file");
    await copyToRemote.ensure(
      recordedContext(),
      { ...to, source: asset({ text: "a text" }) },
      undefined,
    );
    expect(readFileSync(folder("far/copy"), "utf8")).toBe("a text");
    expect(statSync(folder("far/copy")).mode & 0o777).toBe(0o644);
  });

  test.each([
    ["a path", "/x"],
    ["an archive", { "4dabf18193072939515e22adb298388d": "0def7320c3a5731c473e5ecbe6d01bc7" }],
    ["a list", []],
  ])("of %s is refused", async (_what, source) => {
    const inputs = { connection: await connection(), remotePath: folder("x"), source };
    await expect(copyToRemote.ensure(recordedContext(), inputs, undefined)).rejects.toThrow(
      "must be a FileAsset",
    );
    expect(existsSync(folder("x"))).toBe(false);
  });
});
