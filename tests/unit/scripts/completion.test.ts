import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { settings } from "../../../config/settings.ts";
import { writeDomainConfig } from "../../../provider/ssh/clientConfig.ts";
import { completionScript } from "../../../scripts/lib/completion.ts";
import { flagOf } from "../../../scripts/lib/flags.ts";
import { testbedProgram } from "../../../scripts/program.ts";
import { useFolder } from "../helpers/folder.ts";
import { soundKey } from "../helpers/sshServer.ts";

const folder = useFolder();
const program = testbedProgram();
const { publicKey } = soundKey();

const script = (shell: "bash" | "zsh") =>
  completionScript(shell, program, {
    scripts: folder("a clone/scripts"),
    stacks: folder("state of ann/stacks"),
    artifacts: folder("artifacts"),
    stack: "dev",
  });

beforeEach(() => {
  for (const [stack, names] of [
    ["dev", ["domu1", "domu2"]],
    ["lab", ["domu7"]],
  ] as const) {
    for (const name of names)
      writeDomainConfig(folder("state of ann/stacks", stack), {
        name,
        address: "10.0.0.1",
        hostKey: publicKey,
      });
  }
  mkdirSync(folder("artifacts/20261123T033345Z-smoke-542fa7"), { recursive: true });
  symlinkSync("20261123T033345Z-smoke-542fa7", folder("artifacts/latest"));
  writeFileSync(folder("completion.bash"), script("bash"));
});

/** What bash itself offers for the last of these words. */
function offered(...words: string[]): string[] {
  const code = `source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
function=$(complete -p "$1") || exit 3
function=\${function#*-F }
"\${function%% *}"
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync(
    "bash",
    ["--norc", "-c", code, "bash", folder("completion.bash"), ...words],
    { encoding: "utf8", timeout: 20_000, cwd: folder() },
  );
  expect([stderr, status]).toEqual(["", 0]);
  return stdout.split("\n").filter((line) => line !== "");
}

describe("bash completes", () => {
  test.each([
    [["scripts/run", "st"], ["status"]],
    [
      ["./scripts/run", "co"],
      ["console", "compare", "completion"],
    ],
    [["scripts/run", "nothing"], []],
    [
      ["./scripts/up", "--profile", ""],
      ["none", "smoke", "quick", "paper", "full"],
    ],
    [["./scripts/up", "--profile", "=", "s"], ["smoke"]],
    [
      ["./scripts/up", "--profile", "="],
      ["none", "smoke", "quick", "paper", "full"],
    ],
    [["scripts/up", "--machine-accelerator", "t"], ["tcg"]],
    [
      ["scripts/run", "evaluate", "--experiments", "apps"],
      ["apps-iperf3", "apps-redis-get"],
    ],
    [
      ["scripts/run", "evaluate", "--transports", "v"],
      ["v4v", "v4v-sockets", "vchan"],
    ],
    [["scripts/run", "evaluate", "--rep"], ["--repetitions"]],
    [["scripts/run", "evaluate", "--vm"], []],
    [
      ["scripts/up", "--machine-freeze", ""],
      ["true", "false"],
    ],
    [["scripts/up", "--vms", ""], []],
    [["scripts/up", "--machine-mem"], ["--machine-memory-mib"]],
    [["scripts/run", "up", "--profile", "n"], ["none"]],
    [
      ["scripts/test", "--only", "c"],
      ["checks", "c"],
    ],
    [["scripts/run", "status", "--j"], ["--json"]],
    [
      ["scripts/run", "status", "--stack", ""],
      ["dev", "lab"],
    ],
    [
      ["scripts/run", "console", ""],
      ["host", "domu1", "domu2"],
    ],
    [["scripts/run", "ssh", "-s", "lab", "d"], ["domu7"]],
    [["scripts/run", "ssh", "--stack", "=", "lab", "d"], ["domu7"]],
    [["scripts/run", "ssh", "domu1", "d"], []],
    [
      ["scripts/run", "logs", "-n", "5", "domu"],
      ["domu1", "domu2"],
    ],
    [["scripts/run", "logs", "j"], ["journal"]],
    [
      ["scripts/run", "bundle", ""],
      ["latest", "20261123T033345Z-smoke-542fa7"],
    ],
    [["scripts/run", "compare", "latest", "2"], ["20261123T033345Z-smoke-542fa7"]],
    [["scripts/run", "compare", "--html", "com"], ["completion.bash"]],
    [["scripts/run", "bundle", "--output", "com"], ["completion.bash"]],
    [
      ["scripts/run", "completion", ""],
      ["bash", "zsh"],
    ],
  ])("%j to %j", (words, found) => {
    expect(offered(...words).sort()).toEqual([...found].sort());
  });

  test("every command, and the flag of every setting", () => {
    expect(offered("scripts/run", "").sort()).toEqual(
      program.commands.map((command) => command.name()).sort(),
    );
    const flags = settings.filter(({ type }) => type !== "array").map((s) => `--${flagOf(s)}`);
    expect(offered("scripts/up", "--")).toEqual(expect.arrayContaining([...flags, "--help"]));
  });

  test("a clone whose path has a space", () => {
    expect(offered(folder("a clone/scripts/run"), "sta")).toEqual(["status"]);
  });
});

test("a script named run elsewhere is left alone", () => {
  expect(script("bash")).not.toMatch(/^complete .* (run|up|test)( |$)/m);
});

test("both shells' scripts are sound shell code; zsh's is bash's up to how it is registered", () => {
  for (const shell of ["bash", "zsh"] as const) {
    const { status, stderr } = spawnSync("bash", ["-n"], {
      input: script(shell),
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
  }
  const body = (text: string) =>
    text.split("\n").slice(1, text.split("\n").indexOf("_v4v_complete() {"));
  expect(body(script("zsh"))).toEqual(body(script("bash")));
  expect(script("zsh")).toContain("compdef '_bash_complete -F _v4v_complete' -P '(*/|)scripts/");
});
