import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { newKey } from "../../provider/ssh/keys.ts";
import {
  given,
  givenBelow,
  keySecret,
  keysIn,
  listening,
  ProcessWatch,
  textSecret,
} from "../e2e/secrets.ts";
import { eventually } from "./helpers/eventually.ts";
import { useFolder } from "./helpers/folder.ts";

const folder = useFolder();
const key = newKey("one");
const secret = keySecret("login", key.privateKey);

/** What the end-to-end test of secrets looks with has to find them, or it finds nothing wrong for ever. */
test.each([
  ["the file", key.privateKey],
  ["a line of JSON", JSON.stringify({ a: key.privateKey })],
  ["a file of other line ends", key.privateKey.replaceAll("\n", "\r\n")],
  ["its body in one line", key.privateKey.replaceAll(/-+[^-]*-+|\n/g, "")],
  ["one of its lines", secret.lines.join("")],
  ["a command line", `ssh-add\0${key.privateKey}\0`],
])("a private key is found in %s", (_where, text) => {
  expect(given([secret], Buffer.from(`something ${text} more`))).toEqual(["login"]);
});

test("its private half is found as bytes, in hex and in base64 at any place", () => {
  const [seed = Buffer.alloc(0)] = secret.traces;
  expect(seed).toHaveLength(32);
  for (let before = 0; before < 4; before++) {
    const bytes = Buffer.concat([Buffer.alloc(before, 7), seed, Buffer.alloc(5, 9)]);
    for (const form of [
      bytes,
      Buffer.from(bytes.toString("hex")),
      Buffer.from(bytes.toString("base64")),
    ])
      expect(given([secret], form)).toEqual(["login"]);
  }
});

test("what is public, and another key, are not taken for it", () => {
  const other = newKey("one");
  for (const text of [
    key.publicKey,
    other.privateKey,
    JSON.stringify(other),
    "-----BEGIN OPENSSH PRIVATE KEY-----",
  ])
    expect(given([secret], Buffer.from(text))).toEqual([]);
  const raw = Buffer.from(key.publicKey.split(" ")[1] ?? "", "base64");
  expect(given([secret], raw)).toEqual([]);
});

test("a passphrase is found as it is and in base64", () => {
  const passphrase = textSecret("passphrase", "correct horse battery");
  expect(given([passphrase], Buffer.from("x=correct horse battery\n"))).toEqual(["passphrase"]);
  expect(
    given([passphrase], Buffer.from(Buffer.from("correct horse battery").toString("base64"))),
  ).toEqual(["passphrase"]);
});

test("keys are taken from an exported state, each once, by who made it", () => {
  const sealed = (value: unknown) => ({
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    plaintext: JSON.stringify(value),
  });
  const connection = { host: "h", privateKey: key.privateKey };
  const exported = JSON.stringify({
    deployment: {
      resources: [
        {
          urn: "urn:pulumi:s::p::t::machine-folder",
          outputs: { privateKey: sealed(key.privateKey), port: 1 },
        },
        {
          urn: "urn:pulumi:s::p::t::domu1",
          inputs: { connection: sealed(connection) },
          outputs: {},
        },
        {
          urn: "urn:pulumi:s::p::t::key",
          inputs: { files: sealed([{ content: newKey("x").privateKey }]) },
        },
      ],
    },
  });
  expect(keysIn(exported).map(({ name }) => name)).toEqual([
    "machine-folder.privateKey",
    "key.files.0.content",
  ]);
});

test("files are looked through in all folders, those left out are not", () => {
  mkdirSync(folder("a/b"), { recursive: true });
  writeFileSync(folder("a/b/log"), `x${key.privateKey}`);
  writeFileSync(folder("a/right"), key.privateKey);
  writeFileSync(folder("a/none"), key.publicKey);
  expect(givenBelow([secret], folder(), /\/right$/)).toEqual([`${folder("a/b/log")}: login`]);
});

test("a command line is seen though its process has ended", async () => {
  const watch = new ProcessWatch();
  const [line = ""] = secret.lines;
  const child = spawn("sleep", ["20"], { argv0: line });
  await once(child, "spawn");
  await new Promise((resolve) => setTimeout(resolve, 400));
  child.kill();
  await once(child, "exit");
  expect(given([secret], watch.stop())).toEqual(["login"]);
});

test("who listens on which address is seen", async () => {
  const links = (pid: number) =>
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return [];
      }
    });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  expect(listening(process.pid, links)).toContain(`tcp 0100007F:${hex}`);
  await new Promise((resolve) => server.close(resolve));
  await eventually(
    "nothing listens",
    () => !listening(process.pid, links).includes(`tcp 0100007F:${hex}`),
  );
});
