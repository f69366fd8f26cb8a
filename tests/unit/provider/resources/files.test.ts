import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import type { Prior, Properties } from "../../../../provider/resource.ts";
import { filesResource as files } from "../../../../provider/resources/files.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { UNKNOWN } from "../../../../provider/resource.ts";
import { inputDiff } from "../../../../provider/rpc/values.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

async function inputsFor(more: Properties = {}): Promise<Properties> {
  const { connection } = await farSide();
  writeFileSync(folder("source"), "from a file");
  const given = {
    connection: { ...connection },
    incarnation: "1",
    files: [
      { path: folder("far/text"), mode: "640", content: "text\n" },
      { path: folder("far/source"), mode: "755", source: folder("source") },
    ],
    ...more,
  };
  return (await files.check?.(given, undefined))?.inputs ?? {};
}

const prior = (inputs: Properties): Prior => ({ id: "x", inputs, outputs: {} });
const changed = (inputs: Properties, next: Properties) =>
  inputDiff(prior(inputs), next, files).changed;

test("check knows each file's digest, so that a changed source is a changed input", async () => {
  const inputs = await inputsFor();
  expect(inputs.digests).toEqual({
    [folder("far/text")]: sha256("text\n"),
    [folder("far/source")]: sha256("from a file"),
  });
  writeFileSync(folder("source"), "another");
  const again = (await files.check?.(inputs, undefined))?.inputs ?? {};
  expect(changed(inputs, again)).toEqual(["digests"]);
});

test("check bears what is not there yet or not known", async () => {
  const unbuilt = {
    connection: UNKNOWN,
    files: [{ path: "/x", mode: "644", source: folder("absent") }],
  };
  expect((await files.check?.(unbuilt, undefined))?.inputs.digests).toEqual({ "/x": "unknown" });
  const unknown = { connection: UNKNOWN, files: UNKNOWN };
  expect((await files.check?.(unknown, undefined))?.failures ?? []).toEqual([]);
  expect((await files.check?.({}, undefined))?.failures).toHaveLength(2);
});

test("ensure puts them in place and then does what has to follow", async () => {
  const inputs = await inputsFor({ then: `echo applied >>'${folder("log")}'` });
  await files.ensure(recordedContext(), inputs, undefined);
  expect(readFileSync(folder("far/text"), "utf8")).toBe("text\n");
  expect(readFileSync(folder("far/source"), "utf8")).toBe("from a file");
  expect(statSync(folder("far/text")).mode & 0o777).toBe(0o640);
  expect(statSync(folder("far/source")).mode & 0o777).toBe(0o755);
  expect(readFileSync(folder("log"), "utf8")).toBe("applied\n");
});

test("what has to follow follows a change, and one that was interrupted before it", async () => {
  const inputs = await inputsFor({ then: `echo applied >>'${folder("log")}'` });
  const applied = () => readFileSync(folder("log"), "utf8").split("\n").length - 1;
  await files.ensure(recordedContext(), inputs, undefined);
  expect(applied()).toBe(1);
  await files.ensure(recordedContext(), inputs, prior(inputs));
  expect(applied()).toBe(1);
  const broken = { ...inputs, then: "exit 1" };
  rmSync(folder("far/text"));
  await expect(files.ensure(recordedContext(), broken, undefined)).rejects.toThrow("applying");
  await files.ensure(recordedContext(), inputs, undefined);
  expect(applied()).toBe(2);
  await files.ensure(recordedContext(), inputs, undefined);
  expect(applied()).toBe(2);
  const other = { ...inputs, then: `echo otherwise >>'${folder("log")}'` };
  await files.ensure(recordedContext(), other, prior(inputs));
  expect(applied()).toBe(3);
  expect(readdirSync(folder("far")).sort()).toEqual(["source", "text"]);
});

describe("read sees", () => {
  const read = async (inputs: Properties) =>
    (await files.read(recordedContext(), prior(inputs)))?.inputs ?? {};

  test("no change where there is none", async () => {
    const inputs = await inputsFor();
    await files.ensure(recordedContext(), inputs, undefined);
    expect(changed(inputs, await read(inputs))).toEqual([]);
  });

  test.each([
    [
      "a changed file",
      () => {
        writeFileSync(folder("far/text"), "mine\n");
      },
    ],
    [
      "a removed file",
      () => {
        rmSync(folder("far/source"));
      },
    ],
  ])("%s, and ensure mends it", async (_what, change) => {
    const inputs = await inputsFor();
    await files.ensure(recordedContext(), inputs, undefined);
    change();
    expect(changed(inputs, await read(inputs))).toEqual(["digests"]);
    await files.ensure(recordedContext(), inputs, prior(inputs));
    expect(changed(inputs, await read(inputs))).toEqual([]);
  });

  test("nothing of a machine that does not answer: an error, and no word of files that are gone", async () => {
    const given = await inputsFor();
    // Last, so that nobody else gets its port.
    const far = await farSide();
    await far.stop();
    const inputs = { ...given, connection: { ...far.connection } };
    await expect(files.read(recordedContext(1), prior(inputs))).rejects.toThrow("comparing files");
  });
});

test("delete removes them and nothing else, and bears that they are gone", async () => {
  const inputs = await inputsFor();
  await files.ensure(recordedContext(), inputs, undefined);
  writeFileSync(folder("far/other"), "somebody's");
  await files.delete(recordedContext(), prior(inputs));
  await files.delete(recordedContext(), prior(inputs));
  expect(existsSync(folder("far/text"))).toBe(false);
  expect(existsSync(folder("far/source"))).toBe(false);
  expect(readFileSync(folder("far/other"), "utf8")).toBe("somebody's");
});

test("a file that is no longer asked for is gone after an update", async () => {
  const inputs = await inputsFor();
  await files.ensure(recordedContext(), inputs, undefined);
  const fewer = {
    ...inputs,
    files: [{ path: folder("far/text"), mode: "640", content: "text\n" }],
  };
  await files.ensure(recordedContext(), fewer, prior(inputs));
  expect(existsSync(folder("far/source"))).toBe(false);
  expect(existsSync(folder("far/text"))).toBe(true);
});

describe("on a host that stays", () => {
  const kept = async (more: Properties = {}) =>
    inputsFor({
      originals: folder("far/originals"),
      undo: `echo ended >'${folder("far/undone")}'`,
      ...more,
    });
  const text = () => folder("far/text");

  test("what was there before comes back, with its mode, and what was not there goes", async () => {
    const inputs = await kept();
    mkdirSync(folder("far"), { recursive: true });
    writeFileSync(text(), "the host's own\n", { mode: 0o604 });
    await files.ensure(recordedContext(), inputs, undefined);
    expect(readFileSync(text(), "utf8")).toBe("text\n");
    // What is there the second time is the testbed's.
    await files.ensure(recordedContext(), inputs, prior(inputs));
    await files.delete(recordedContext(), prior(inputs));
    expect(readFileSync(text(), "utf8")).toBe("the host's own\n");
    expect(statSync(text()).mode & 0o777).toBe(0o604);
    expect(existsSync(folder("far/source"))).toBe(false);
    expect(readFileSync(folder("far/undone"), "utf8")).toBe("ended\n");
  });

  test("what was put back stays when that is done once more", async () => {
    const inputs = await kept();
    mkdirSync(folder("far"), { recursive: true });
    writeFileSync(text(), "the host's own\n");
    await files.ensure(recordedContext(), inputs, undefined);
    await files.delete(recordedContext(), prior(inputs));
    await files.delete(recordedContext(), prior(inputs));
    expect(readFileSync(text(), "utf8")).toBe("the host's own\n");
    // Nor does what its owner puts there afterwards go.
    writeFileSync(folder("far/source"), "the owner's");
    await files.delete(recordedContext(), prior(inputs));
    expect(readFileSync(folder("far/source"), "utf8")).toBe("the owner's");
  });

  test("what is the testbed's goes without a record, too, and so does its note", async () => {
    const inputs = await kept({ then: "exit 1" });
    await expect(files.ensure(recordedContext(), inputs, undefined)).rejects.toThrow("applying");
    expect(existsSync(`${text()}.pending`)).toBe(true);
    rmSync(folder("far/originals"), { recursive: true });
    await files.delete(recordedContext(), prior(inputs));
    expect(readdirSync(folder("far"))).toEqual(["undone"]);
  });

  test("a file that is no longer wanted gives its place back", async () => {
    const inputs = await kept();
    mkdirSync(folder("far"), { recursive: true });
    writeFileSync(text(), "the host's own\n");
    await files.ensure(recordedContext(), inputs, undefined);
    const fewer = { ...inputs, files: (inputs.files as Properties[]).slice(1) };
    await files.ensure(recordedContext(), fewer, prior(inputs));
    expect(readFileSync(text(), "utf8")).toBe("the host's own\n");
  });
});
