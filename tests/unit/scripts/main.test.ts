import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { allowed, settings } from "../../../config/settings.ts";
import { runFolder } from "../../../provider/host/folders.ts";
import {
  removeDomainConfig,
  writeDomainConfig,
  writeHostConfig,
} from "../../../provider/ssh/clientConfig.ts";
import type { Status } from "../../../scripts/lib/status.ts";
import { record } from "../../../provider/host/ledger.ts";
import { flagOf } from "../../../scripts/lib/flags.ts";
import { EXPERIMENT_NAMES } from "../../../evaluation/selection.ts";
import { TRANSPORTS } from "../../../evaluation/transports.ts";
import { testbedProgram } from "../../../scripts/program.ts";
import { useChildren } from "../helpers/child.ts";
import { standIns } from "../helpers/programs.ts";
import { useFolder } from "../helpers/folder.ts";
import { useFarSides, type FarSideOptions } from "../helpers/sshServer.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const folder = useFolder();
const farSide = useFarSides();
const start = useChildren();
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

const COMMANDS = testbedProgram().commands.map((command) => command.name());

describe("help", () => {
  test("knows the commands of which the documentation tells", () => {
    expect([...COMMANDS].sort()).toEqual(
      [
        ...["up", "evaluate", "status", "destroy", "doctor", "env", "ssh", "console", "logs"],
        ...["compare", "sweep", "bundle", "packages", "completion", "test"],
      ].sort(),
    );
  });

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

test("help of evaluate lists the experiments and transports, and shows examples with options that there are", async () => {
  const { stdout } = await run(["evaluate", "--help"]);
  const text = stdout.replace(/\s+/g, " ");
  for (const name of [...EXPERIMENT_NAMES, ...TRANSPORTS, "--experiments all"])
    expect(text).toContain(name);
  const options = testbedProgram()
    .commands.find((command) => command.name() === "evaluate")
    ?.options.map(({ long }) => long);
  const shown = stdout.slice(stdout.indexOf("Examples:")).match(/--[a-z-]+/g) ?? [];
  expect(shown.length).toBeGreaterThan(4);
  expect(shown.filter((flag) => options?.includes(flag) !== true)).toEqual([]);
});

describe("a mistake is told in a sentence, without a stack trace, and ends with code 1", () => {
  test.each([
    [["upp"], "unknown command 'upp'"],
    [["up", "--vm", "3"], "unknown option '--vm'"],
    [["up", "--vms"], "argument missing"],
    [["evaluate", "--experiment", "latency"], "(Did you mean --experiments?)"],
    [["evaluate", "--sizes"], "argument missing"],
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
    [["console", "domu1"], "stack dev is not up"],
    [["console"], "missing required argument 'name'"],
    [["status", "--stack", "../x"], "is not a name for a stack"],
    [["bundle", "../x"], 'there is no run "../x"; there'],
    [["compare", "latest"], "missing required argument 'run'"],
    [["compare", "../x", "../y"], 'there is no run "../x", nor is that a folder'],
    [["completion", "fish"], "Allowed choices are bash, zsh"],
    [["doctor", "--report", "/nonexistent/r.md"], "there is no folder /nonexistent"],
    [["test", "--only", "nothing"], "Allowed choices are checks, unit, browser, c, e2e"],
  ])("%j", async (args, sentence) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([code, stdout]).toEqual([1, ""]);
  });
});

describe("with a stack that is up", () => {
  async function up(options?: FarSideOptions) {
    const far = await farSide(options);
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

  test("console attaches to a domU's, and says how to leave", async () => {
    const { far } = await up();
    const { stderr } = await run(["console", "domu1"]);
    expect(far.commands).toEqual(["xl console -t pv domu1"]);
    expect(stderr).toContain("leave with Ctrl-]");
  });

  test("console of a domU that there is not names those that there are", async () => {
    const { far } = await up();
    const { code, stderr } = await run(["console", "domu1; reboot"]);
    expect([code, far.commands]).toEqual([1, []]);
    expect(stderr).toContain("there are host, domu1, domu2");
  });

  test("console host follows what the machine writes", async () => {
    const { state } = await up();
    const path = join(state, "console.log");
    writeFileSync(path, "one\n");
    const args = [join(PROJECT, "scripts/main.ts"), "console", "host"];
    const child = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 120_000,
    });
    const seen = new Promise<string>((resolve) => {
      let text = "";
      child.stdout.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        // More is written once it is known to listen, until it shows.
        appendFileSync(path, "two\n");
        if (text.includes("two")) resolve(text);
      });
    });
    const more = setInterval(() => {
      appendFileSync(path, "two\n");
    }, 200);
    const text = await seen;
    clearInterval(more);
    child.kill("SIGTERM");
    await once(child, "close");
    expect(text).toMatch(/^one\n(two\n)+/);
  }, 150_000);

  describe("status", () => {
    /** A process that carries the stack's marker, as QEMU would. */
    async function machine(state: string) {
      const marker = `v4v-testbed-unit-${process.pid}-status`;
      record(state, { kind: "process-intended", marker });
      return start("sleep", ["60"], { argv0: `type=11,value=${marker}` });
    }
    const status = async () => {
      const { code, stdout } = await run(["status", "--json"]);
      return { code, ...(JSON.parse(stdout) as Status) };
    };
    // This computer has no Xen: what dom0's toolstack says is played.
    const xen = (build: string) =>
      standIns(folder("bin"), {
        xl: `[ "$1" = info ] && printf 'xen_version : 4.20\\nbuild_id : ${build}\\n' || printf 'Name\\ndomu1 3 192 1 -b---- 1.0\\n'`,
      });

    test("of a stack that is not up says what to do", async () => {
      const { code, stdout } = await run(["status"]);
      expect(code).toBe(1);
      expect(stdout).toMatch(/^NOT WELL {2}stack dev is not up; next: run \.\/scripts\/up$/m);
    });

    test("of a machine that was stopped asks nobody", async () => {
      const { far } = await up();
      const { code, problems, machine: process } = await status();
      expect([code, process, far.commands]).toEqual([1, undefined, []]);
      expect(problems.map(({ what }) => what)).toEqual(["the machine is stopped"]);
    });

    test("asks dom0 once and shows what there is", async () => {
      const { far, state } = await up({ programs: xen("beef") });
      const { pid } = await machine(state);
      const { code, ...found } = await status();
      expect(far.logins).toBe(1);
      expect(far.commands).toHaveLength(1);
      expect(found.machine?.pid).toBe(pid);
      expect(found.host?.xen).toMatchObject({ version: "4.20", buildId: "beef" });
      expect(found.domains).toEqual([
        {
          ...{ name: "domu1", address: "127.0.0.9", state: "running", domid: 3, cid: 5 },
          ...{ memoryMiB: 192, ssh: false },
        },
        { name: "domu2", address: "127.0.0.9", state: "absent" },
      ]);
      expect(found.problems.map(({ what }) => what)).toEqual([
        "domu1 does not answer to SSH",
        "domu2 is not there",
      ]);
      expect(code).toBe(1);
      const { stdout } = await run(["status"]);
      expect(stdout).toMatch(/^domu1 +running +3 +5 +127\.0\.0\.9 +192 +silent +-$/m);
      expect(stdout).toContain("xen       4.20, build id beef");
    });

    test("is healthy, with code 0, when nothing is amiss", async () => {
      const { state } = await up({ programs: xen("beef") });
      for (const name of ["domu1", "domu2"]) removeDomainConfig(state, name);
      await machine(state);
      const { code, stdout } = await run(["status"]);
      expect([code, stdout.trim().split("\n").at(-1)]).toEqual([0, "healthy   stack dev"]);
    });

    test("of a machine whose SSH is somebody else's says so", async () => {
      const { far, state } = await up();
      const { hostKey } = (await farSide()).connection;
      writeHostConfig(state, { ...far.connection, hostKey });
      await machine(state);
      const { code, problems } = await status();
      expect(code).toBe(1);
      expect(problems[0]?.what).toContain("another host key");
    });
  });

  test("doctor --report has what a bug report needs, and nothing secret", async () => {
    const { state } = await up({ programs: standIns(folder("bin"), { xl: "echo xl says $1" }) });
    const key = readFileSync(join(state, "ssh/id_ed25519"), "utf8");
    writeFileSync(join(state, "console.log"), `boot\n${key}at ${hostname()}\nlogin:\n`);
    writeFileSync(join(state, "qemu.log"), "PULUMI_CONFIG_PASSPHRASE=sesame\n");
    const { code } = await run(["doctor", "--report", folder("report.md")], {
      PATH: `${folder("bin")}:/usr/bin:/bin`,
      HOME: folder("home"),
    });
    expect(code).toBe(0);
    const text = readFileSync(folder("report.md"), "utf8");
    for (const part of [
      "commit ",
      "accelerator",
      "login:",
      "xl says info",
      "xl says dmesg",
      "## Resources",
    ])
      expect(text).toContain(part);
    for (const line of key.split("\n").filter((word) => word !== ""))
      expect(text).not.toContain(line);
    expect(text).not.toMatch(/sesame|PRIVATE KEY/);
    expect(text).not.toContain(`at ${hostname()}`);

    const again = await run(["doctor", "--report", folder("report.md")]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("is there already")]);
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
