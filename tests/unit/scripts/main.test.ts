import { mkdirSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { allowed, settings } from "../../../config/settings.ts";
import { runFolder } from "../../../provider/host/folders.ts";
import { writeDomainConfig, writeHostConfig } from "../../../provider/ssh/clientConfig.ts";
import { flagOf } from "../../../scripts/lib/flags.ts";
import { useFolder } from "../helpers/folder.ts";
import { useFarSides } from "../helpers/sshServer.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const folder = useFolder();
const farSide = useFarSides();
beforeEach(() => {
  vi.stubEnv("XDG_STATE_HOME", folder("state"));
  vi.stubEnv("XDG_CACHE_HOME", folder("cache"));
});

/** The program as users start it, 30 s at most; not one that waits here, as far sides live in this process. */
async function run(args: string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join(PROJECT, "scripts/main.ts"), ...args], {
    env: { ...process.env, NODE_NO_WARNINGS: "1", NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

const COMMANDS = ["up", "evaluate", "destroy", "doctor", "env", "ssh", "logs", "test"];

describe("help", () => {
  test("lists every command with a sentence", async () => {
    const { code, stdout, stderr } = await run(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const command of COMMANDS)
      expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b.* {2}\\S+ \\S+`, "m"));
  });

  test.each(COMMANDS)("of %s says what it does and how it is called", async (command) => {
    const { code, stdout, stderr } = await run([command, "--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(new RegExp(`^Usage: v4v-testbed ${command} `));
    expect(stdout.split("\n")[2]).toMatch(/^\S.{20,}/);
    expect(stdout).toContain("--help");
  });

  test("of up names each setting with what is allowed", async () => {
    const { stdout } = await run(["up", "--help"]);
    const text = stdout.replace(/\s+/g, " ");
    for (const setting of settings.filter(({ type }) => type !== "array")) {
      const line = text.slice(text.indexOf(` --${flagOf(setting)} <`)).split(" --")[1] ?? "";
      expect(line, setting.path).toContain(`[${allowed(setting)}; default `);
    }
  });
});

describe("a mistake is told in a sentence, without a stack trace, and ends with code 1", () => {
  test.each([
    [["upp"], "unknown command 'upp'"],
    [["up", "--vm", "3"], "unknown option '--vm'"],
    [["up", "--vms"], "argument missing"],
    [["up", "--stack", "a b"], "is not a name for a stack"],
    [["destroy", "--stack", "../x"], "is not a name for a stack"],
    [["logs", "--lines", "0"], "--lines: 0 is not a number of lines"],
    [["logs", "--lines", "many"], "--lines: many is not a number of lines"],
    [["logs", "nonsense"], 'there is no log "nonsense"'],
    [["logs", "domu1; reboot"], "there is no log"],
    [["logs", "console"], "there is no such log"],
    [["logs", "build"], "there is no such log"],
    [["logs", "xen"], "stack dev is not up"],
    [["ssh"], "stack dev is not up"],
    [["ssh", "--stack", "../x"], "is not a name for a stack"],
    [["logs", "--stack", "../x"], "is not a name for a stack"],
    [["test", "--only", "nothing"], "Allowed choices are checks, unit, c, e2e"],
  ])("%j", async (args, sentence) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([code, stdout]).toEqual([1, ""]);
  });
});

describe("with a stack that is up", () => {
  async function up() {
    const far = await farSide();
    const { port, privateKey, hostKey } = far.connection;
    const state = runFolder(PROJECT, "dev");
    mkdirSync(state, { recursive: true });
    writeHostConfig(state, { port, privateKey, hostKey });
    for (const name of ["domu1", "domu2"])
      writeDomainConfig(state, { name, address: "127.0.0.9", hostKey });
    return { far, state };
  }

  test("ssh runs a command on the host, by OpenSSH itself, and ends with its code", async () => {
    const { far } = await up();
    const { code, stdout } = await run(["ssh", "host", "--", "echo hello; exit 7"]);
    expect([code, stdout]).toEqual([7, "hello\n"]);
    expect(far.commands).toEqual(["echo hello; exit 7"]);
  });

  test("ssh hands options behind the name to the command", async () => {
    const { far } = await up();
    await run(["ssh", "host", "ls", "--help", "-n"]);
    expect(far.commands).toEqual(["ls --help -n"]);
  });

  test("ssh refuses somebody else at the port", async () => {
    const { state } = await up();
    const other = await farSide();
    const { port, privateKey } = other.connection;
    const { hostKey } = (await farSide()).connection;
    writeHostConfig(state, { port, privateKey, hostKey });
    const { code, stderr } = await run(["ssh", "host", "true"]);
    expect(code).not.toBe(0);
    expect(stderr.toLowerCase()).toContain("host key verification failed");
    expect(other.commands).toEqual([]);
  });

  test("a name that there is not is told with those that there are", async () => {
    await up();
    const { code, stderr } = await run(["ssh", "domu3"]);
    expect(code).toBe(1);
    expect(stderr).toBe('error: there is no "domu3" in stack dev; there are host, domu1, domu2\n');
  });

  test("logs shows the end of the console, without what would act on a terminal", async () => {
    const { state } = await up();
    writeFileSync(join(state, "console.log"), "one\ntwo\n\u001b[2Jthree\n");
    const { code, stdout } = await run(["logs", "--lines", "2"]);
    expect([code, stdout]).toEqual([0, `${join(state, "console.log")}:\ntwo\nthree\n`]);
  });
});

test("doctor on a computer without anything names what is missing, what falls back, and ends with code 1", async () => {
  const { code, stdout, stderr } = await run(["doctor"], { PATH: folder("nothing") });
  expect(stderr).toBe("");
  expect(stdout).toMatch(
    /^missing +qemu-system-x86_64 +not installed; \.\/scripts\/up installs it$/m,
  );
  expect(stdout).toMatch(/^note +pulumi +not there yet/m);
  expect(stdout).toMatch(/^ok +node +v\d+/m);
  expect(stdout).toMatch(/^(ok|note) +accelerator +\S/m);
  expect(code).toBe(1);
});
