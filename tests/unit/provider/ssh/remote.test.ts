import { createHash } from "node:crypto";
import {
  chmodSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { RemoteFailure, Unreachable } from "../../../../provider/ssh/errors.ts";
import { Remote, sha256File } from "../../../../provider/ssh/remote.ts";
import { hangUpAll, session } from "../../../../provider/ssh/session.ts";
import fc, { PATIENCE, runs } from "../../helpers/property.ts";
import { hostileText } from "../../helpers/hostileText.ts";
import { eventually } from "../../helpers/eventually.ts";
import { useFolder } from "../../helpers/folder.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const signal = (ms = 20_000) => AbortSignal.timeout(ms);
const late = (ms = 5000) => new Promise((resolve) => setTimeout(resolve, ms, "still waiting"));
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error("succeeded");
    },
    (error: unknown) => error as Error,
  );

describe("files of hostile names and contents", () => {
  test(
    "come to be where and what was said, once, and nothing else does",
    { timeout: PATIENCE },
    async () => {
      const { connection } = await farSide();
      const remote = new Remote(connection, signal(PATIENCE));
      const name = hostileText()
        .map((text) => text.replaceAll(/[/\0]/g, "_"))
        .filter((text) => Buffer.byteLength(text) < 200 && ![".", "..", ""].includes(text));
      const content = fc.oneof(
        hostileText(),
        fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      );
      let round = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.tuple(name, content), { maxLength: 3, selector: ([text]) => text }),
          async (pairs) => {
            const below = folder(String((round += 1)));
            mkdirSync(below);
            const files = pairs.map(([text, bytes]) => ({
              path: `${below}/${text}`,
              content: bytes,
              mode: 0o600,
            }));
            await remote.place(files);
            expect(readdirSync(below).sort()).toEqual(pairs.map(([text]) => text).sort());
            for (const { path, content: bytes } of files) {
              expect(readFileSync(path).equals(Buffer.from(bytes))).toBe(true);
              expect(statSync(path).mode & 0o777).toBe(0o600);
            }
          },
        ),
        { numRuns: runs(20) },
      );
    },
  );
});

describe("a script", () => {
  test("gets its arguments whole, whatever is in them", async () => {
    const { connection } = await farSide();
    const words = [
      "",
      "a b",
      "it's",
      '"quoted"',
      "$(touch x)",
      "`x`",
      "a\nb",
      "*",
      "-n",
      "\\",
      "é\u202e",
    ];
    const said = await new Remote(connection, signal()).run(
      "echoing",
      'printf "%s\\n--\\n" "$@"',
      ...words,
    );
    expect(said).toBe(words.map((word) => `${word}\n--\n`).join(""));
  });

  test(
    "gets hostile arguments as they are, and runs nothing of them",
    { timeout: PATIENCE },
    async () => {
      const { connection } = await farSide();
      const remote = new Remote(connection, signal(PATIENCE));
      const word = hostileText().filter((text) => !text.includes("\0"));
      await fc.assert(
        fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 4 }), async (words) => {
          const script = 'cd "$1"; shift; printf "%s\\0" "$@"; ls -A >&2; [ -z "$(ls -A)" ]';
          const said = await remote.run("echoing", script, folder(), ...words);
          expect(said).toBe(Buffer.from(words.map((text) => `${text}\0`).join("")).toString());
        }),
        { numRuns: runs(25) },
      );
    },
  );

  test("that fails says what was being done, where, the code and the end of its complaint", async () => {
    const { connection } = await farSide();
    const script = "i=1; while [ $i -le 12 ]; do echo complaint $i >&2; i=$((i + 1)); done; exit 7";
    const error = await failure(new Remote(connection, signal()).run("counting", script));
    expect(error).toBeInstanceOf(RemoteFailure);
    expect(error).toMatchObject({ exitCode: 7 });
    const lines = error.message.split("\n");
    expect(lines[0]).toBe(`counting on root@127.0.0.1:${connection.port} failed with exit code 7:`);
    expect(lines.slice(1)).toEqual(Array.from({ length: 8 }, (_, i) => `complaint ${i + 5}`));
  });

  test("stops at its first failure, and at a variable that nobody set", async () => {
    const { connection } = await farSide();
    const remote = new Remote(connection, signal());
    expect((await remote.tryRun("x", "echo a; false; echo b")).stdout).toBe("a\n");
    expect((await remote.tryRun("x", 'echo "$nobody"; echo b')).exitCode).not.toBe(0);
  });

  test("is run once, whether it fails or not", async () => {
    const far = await farSide();
    const remote = new Remote(far.connection, signal());
    await remote.run("x", "true");
    await remote.tryRun("x", "exit 3");
    expect(far.commands).toHaveLength(2);
  });

  test("ended by a signal has not succeeded", async () => {
    const { connection } = await farSide();
    const result = await new Remote(connection, signal()).once("kill -9 $$");
    expect(result).toMatchObject({ exitCode: 128, stderr: "ended by signal SIGKILL" });
  });
});

describe("a connection that is cut in the middle of a command", () => {
  test("is unreachable where a command runs once", async () => {
    const { connection } = await farSide({
      behaviour: (_channel, client) => {
        client.end();
        return "handled";
      },
    });
    const error = await failure(new Remote(connection, signal()).once("echo x"));
    expect(error).toBeInstanceOf(Unreachable);
    expect(error.message).toContain("the connection was lost while a command ran");
  });

  test("is opened again, and the script run again from its beginning", async () => {
    let cuts = 0;
    const far = await farSide({
      behaviour: (channel, client) => {
        if (cuts >= 2) return "run";
        cuts += 1;
        channel.write("half an ans");
        client.end();
        return "handled";
      },
    });
    expect(await new Remote(far.connection, signal()).run("asking", "echo whole")).toBe("whole\n");
    expect(far.commands).toHaveLength(3);
    expect(far.logins).toBe(3);
  });

  test("is unreachable also between the far side's goodbye and the end of the session", async () => {
    const far = await farSide();
    const remote = new Remote(far.connection, signal());
    const client = await session(far.connection, signal());
    const asked = new Promise<Error>((resolve) => {
      client.once("end", () => {
        resolve(failure(remote.once("true")));
      });
    });
    far.cut();
    expect(await asked).toBeInstanceOf(Unreachable);
  });

  test("so is a command that ends without saying how", async () => {
    const { connection } = await farSide({
      behaviour: (channel) => {
        channel.end("an answer without an exit code");
        return "handled";
      },
    });
    expect(await failure(new Remote(connection, signal()).once("true"))).toBeInstanceOf(
      Unreachable,
    );
  });
});

describe("a deadline", () => {
  test("ends a command that does not end, and the far side sees its channel close", async () => {
    let closed = false;
    const { connection } = await farSide({
      behaviour: (channel) => {
        channel.on("close", () => (closed = true));
        return "run";
      },
    });
    await session(connection, signal());
    const error = await failure(new Remote(connection, signal(500)).run("sleeping", "sleep 60"));
    expect(error.message).toContain("sleeping: ");
    await eventually("the channel closes", () => closed);
  });

  test("that passes while the channel is being opened is not lost", async () => {
    const stop = new AbortController();
    const { connection } = await farSide({
      behaviour: () => {
        stop.abort(new Error("cancelled"));
        return "run";
      },
    });
    const asked = failure(new Remote(connection, stop.signal).run("sleeping", "sleep 60"));
    expect(await Promise.race([asked, late()])).toMatchObject({ message: "sleeping: cancelled" });
  });

  test("ends the waiting for a machine that is not there, and says what was seen last", async () => {
    const { connection, stop } = await farSide();
    await stop();
    const error = await failure(new Remote(connection, signal(500)).run("asking", "true"));
    expect(error.message).toMatch(/^asking: .*; last seen: root@127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  });

  test("holds also where the far side grants no channel", async () => {
    const { connection } = await farSide({ deaf: true });
    await session(connection, signal());
    const asked = failure(new Remote(connection, signal(400)).run("asking", "true"));
    const outcome = await Promise.race([asked, late()]);
    expect(outcome).not.toBe("still waiting");
    expect((outcome as Error).message).toContain("asking: ");
  });
});

describe("output", () => {
  test("of many megabytes comes whole", async () => {
    const { connection } = await farSide();
    const said = await new Remote(connection, signal()).run(
      "printing",
      "head -c 12000000 /dev/zero | tr '\\0' x",
    );
    expect(said.length).toBe(12_000_000);
  });

  test("without end is cut off, with a sentence; the session lives on", async () => {
    const far = await farSide();
    const remote = new Remote(far.connection, signal());
    const error = await failure(remote.run("printing", "exec cat /dev/zero"));
    expect(error.message).toBe(
      `root@127.0.0.1:${far.connection.port}: a command printed more than ${16 * 1024 * 1024} bytes`,
    );
    expect(await remote.run("asking", "echo fine")).toBe("fine\n");
    expect(far.logins).toBe(1);
  });

  test("on both streams counts together", async () => {
    const { connection } = await farSide();
    const script = "head -c 10000000 /dev/zero; head -c 10000000 /dev/zero >&2";
    const error = await failure(new Remote(connection, signal()).run("printing", script));
    expect(error.message).toContain("printed more than");
  });
});

describe("small files", () => {
  const file = (name: string, content: string | Buffer, mode = 0o640) => ({
    path: folder(name),
    content,
    mode,
  });

  test("arrive as they are, whatever is in them, in folders that are made for them", async () => {
    const far = await farSide();
    const binary = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 31) % 256));
    await new Remote(far.connection, signal()).write([
      file("deep/er/binary", binary, 0o600),
      file("text", "END\n$(x) `y` 'z'\n", 0o755),
      file("empty", ""),
      file("with a space and a 'quote'", "x"),
    ]);
    expect(readFileSync(folder("deep/er/binary"))).toEqual(binary);
    expect(readFileSync(folder("text"), "utf8")).toBe("END\n$(x) `y` 'z'\n");
    expect(readFileSync(folder("empty"), "utf8")).toBe("");
    expect(readFileSync(folder("with a space and a 'quote'"), "utf8")).toBe("x");
    expect(statSync(folder("deep/er/binary")).mode & 0o777).toBe(0o600);
    expect(statSync(folder("text")).mode & 0o777).toBe(0o755);
    expect(statSync(folder("deep")).mode & 0o077).toBe(0);
    // One exchange for all of them.
    expect(far.commands).toHaveLength(1);
  });

  test("no content is in a command line, where everybody could read it", async () => {
    const far = await farSide();
    await new Remote(far.connection, signal()).write([file("key", "PRIVATE")]);
    const text = far.commands.join("\n");
    expect(text).not.toContain("PRIVATE");
    expect(text).not.toContain(Buffer.from("PRIVATE").toString("base64"));
  });

  test("that are there already stay untouched, but for their mode", async () => {
    const { connection } = await farSide();
    writeFileSync(folder("a"), "same");
    utimesSync(folder("a"), 1, 1);
    chmodSync(folder("a"), 0o666);
    await new Remote(connection, signal()).write([file("a", "same")]);
    expect(statSync(folder("a")).mtimeMs).toBe(1000);
    expect(statSync(folder("a")).mode & 0o777).toBe(0o640);
  });

  test("replace what differs, and leave nothing half written beside it", async () => {
    const { connection } = await farSide();
    writeFileSync(folder("a"), "other");
    await new Remote(connection, signal()).write([file("a", "new")]);
    expect(readFileSync(folder("a"), "utf8")).toBe("new");
    expect(readdirSync(folder())).toEqual(["a"]);
  });

  test("that cannot be written are an error that names them", async () => {
    const { connection } = await farSide();
    writeFileSync(folder("file"), "");
    const error = await failure(new Remote(connection, signal()).write([file("file/below", "x")]));
    expect(error).toBeInstanceOf(RemoteFailure);
    expect(error.message).toContain(`writing ${folder("file/below")}`);
  });

  test("none at all is no exchange", async () => {
    const far = await farSide();
    await new Remote(far.connection, signal()).write([]);
    expect(far.commands).toEqual([]);
  });

  test("are read back; one that is not there is undefined, one that cannot be read an error", async () => {
    const { connection } = await farSide();
    const remote = new Remote(connection, signal());
    writeFileSync(folder("a"), "content\n");
    mkdirSync(folder("d"));
    expect(await remote.readFile(folder("a"))).toBe("content\n");
    expect(await remote.readFile(folder("absent"))).toBeUndefined();
    expect(await failure(remote.readFile(folder("d")))).toBeInstanceOf(RemoteFailure);
  });
});

describe("files of both kinds", () => {
  test("that are right are known by one exchange; of others the sender learns that they were not", async () => {
    const far = await farSide();
    const remote = new Remote(far.connection, signal());
    writeFileSync(folder("local"), "from a file");
    const given = [
      { path: folder("far/a"), mode: 0o644, content: "a" },
      { path: folder("far/it's b"), mode: 0o755, source: folder("local") },
    ];
    const note = folder("note");
    expect(await remote.place(given)).toBe(true);
    expect(readFileSync(folder("far/it's b"), "utf8")).toBe("from a file");
    const before = far.commands.length;
    expect(await remote.place(given, note)).toBe(false);
    expect(far.commands.length).toBe(before + 1);
    expect(existsSync(note)).toBe(false);
    writeFileSync(folder("far/it's b"), "changed");
    expect(await remote.place(given, note)).toBe(true);
    expect(readFileSync(folder("far/it's b"), "utf8")).toBe("from a file");
    expect(statSync(folder("far/it's b")).mode & 0o777).toBe(0o755);
    // Until the note is gone, what has to follow is still to be done.
    expect(await remote.place(given, note)).toBe(true);
  });
});

describe("an upload", () => {
  const content = Buffer.alloc(3_000_000, "0123456789abcdef");

  test("arrives whole, in one step, and is not sent twice", async () => {
    const far = await farSide();
    const remote = new Remote(far.connection, signal());
    writeFileSync(folder("local"), content);
    await remote.upload(folder("local"), folder("far/it's here"), 0o600);
    expect(await sha256File(folder("far/it's here"))).toBe(
      createHash("sha256").update(content).digest("hex"),
    );
    expect(readdirSync(folder("far"))).toEqual(["it's here"]);
    expect(statSync(folder("far/it's here")).mode & 0o777).toBe(0o600);
    const before = far.commands.length;
    await remote.upload(folder("local"), folder("far/it's here"), 0o644);
    expect(far.commands.length).toBe(before + 1);
    expect(statSync(folder("far/it's here")).mode & 0o777).toBe(0o644);
  });

  test("that is cut half way is sent again, and nobody sees half of it", async () => {
    let cut = false;
    const far = await farSide({
      behaviour: (channel, _client, command) => {
        if (cut || !command.includes("cat >")) return "run";
        cut = true;
        channel.once("data", () => {
          far.cut();
        });
        return "handled";
      },
    });
    writeFileSync(folder("local"), content);
    writeFileSync(folder("there"), "the old one");
    await new Remote(far.connection, signal()).upload(folder("local"), folder("there"), 0o600);
    expect(cut).toBe(true);
    expect(readFileSync(folder("there"))).toEqual(content);
  });

  test("of a file that is not here is an error before anything is sent", async () => {
    const far = await farSide();
    const error = await failure(
      new Remote(far.connection, signal()).upload(folder("absent"), folder("x"), 0o600),
    );
    expect(error.message).toContain("ENOENT");
    expect(far.commands).toEqual([]);
    expect(existsSync(folder("x"))).toBe(false);
  });

  test("of a file that goes away meanwhile is an error that says so", async () => {
    const { connection } = await farSide();
    const gone = () => createReadStream(folder("gone"));
    expect((await failure(new Remote(connection, signal()).once("cat", gone))).message).toContain(
      "ENOENT",
    );
  });

  test("opens no file for a machine that cannot be reached", async () => {
    const far = await farSide();
    await far.stop();
    let opened = 0;
    const count = () => {
      opened += 1;
      return createReadStream(folder("gone"));
    };
    const error = await failure(new Remote(far.connection, signal()).once("cat", count));
    expect(error).toBeInstanceOf(Unreachable);
    expect(opened).toBe(0);
  });
});
