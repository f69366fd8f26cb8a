import { existsSync, readFileSync } from "node:fs";
import { homedir, hostname, release, version } from "node:os";
import { join } from "node:path";
import { consoleTail } from "../../provider/host/console.ts";
import { cloneStateFolder, runFolder } from "../../provider/host/folders.ts";
import { FILES } from "../../provider/qemu/arguments.ts";
import { sshConfigPath } from "../../provider/ssh/clientConfig.ts";
import { lastBuildLog } from "./buildLog.ts";
import { asRootOfDom0 } from "./dom0.ts";
import { capture } from "./process.ts";
import type { Names } from "./redact.ts";
import { readState, StateOutOfReach, workerOf, type StackState } from "./state.ts";
import { PROJECT } from "./workspace.ts";

export interface Section {
  title: string;
  text: string;
}

const TAIL = 60;
/** Seconds for each question to dom0. */
const ANSWER_SECONDS = 10;

/** Plain Markdown: one block of text a section. */
export function render(sections: readonly Section[]): string {
  const blocks = sections.map(({ title, text }) => {
    // A fence longer than any in the text keeps it in its block.
    const ticks = Math.max(2, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
    const fence = "`".repeat(ticks + 1);
    return `## ${title}\n\n${fence}\n${text.trimEnd() || "(nothing)"}\n${fence}\n`;
  });
  return `# V4V testbed: report\n\n${blocks.join("\n")}`;
}

/** What must not be in a report of this computer. */
export function namesHere(): Names {
  const file = process.env.PULUMI_CONFIG_PASSPHRASE_FILE;
  const paths = [
    join(cloneStateFolder(PROJECT), "passphrase"),
    ...(file === undefined ? [] : [file]),
  ];
  const passphrases = paths.filter(existsSync).map((path) => readFileSync(path, "utf8").trim());
  return {
    home: homedir(),
    hostname: hostname(),
    secrets: [process.env.PULUMI_CONFIG_PASSPHRASE ?? "", ...passphrases],
  };
}

function git(...args: string[]): string {
  const { code, stdout } = capture("git", ["-C", PROJECT, ...args], process.env, 10_000);
  return code === 0 ? stdout.trimEnd() : "unknown";
}

function versions(): string {
  const { version: own } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as {
    version: string;
  };
  const changed = git("status", "--porcelain");
  return [
    `project  ${own}`,
    `commit   ${git("rev-parse", "HEAD")}${changed === "" ? "" : ", with changes:"}`,
    ...changed.split("\n").slice(0, 40).filter(Boolean),
    `system   ${release()} ${version()}`,
  ].join("\n");
}

function settings(stack: string): string {
  const path = join(PROJECT, `Pulumi.${stack}.yaml`);
  return existsSync(path) ? readFileSync(path, "utf8") : "none were made; the defaults count";
}

function resources(stack: string): string {
  let state: StackState | undefined;
  try {
    state = readState(stack);
  } catch (error) {
    if (error instanceof StateOutOfReach) return error.message;
    throw error;
  }
  if (state === undefined) return "there is no state";
  return [
    `at work: ${workerOf(stack) ?? "nobody"}`,
    ...state.pending.map((what) => `pending: ${what}`),
    ...state.resources.map(
      ({ type, name, unfinished }) => `${type} ${name}${unfinished ? " (half made)" : ""}`,
    ),
  ].join("\n");
}

function tail(path: string | undefined): string {
  if (path === undefined || !existsSync(path)) return "there is none";
  return `${path}\n${consoleTail(path, TAIL)}`;
}

function fromDom0(config: string, command: string): string {
  if (!existsSync(config)) return "the stack is not up";
  const args = ["-F", config, "-o", "BatchMode=yes", "host", asRootOfDom0(config, command)];
  const { code, stdout, stderr } = capture("ssh", args, process.env, ANSWER_SECONDS * 1000);
  return code === 0 ? stdout : `not to be had: ${stderr.trim() || `code ${code}`}`;
}

/** Everything a bug report needs, not yet redacted. */
export function sections(stack: string, findings: string): Section[] {
  const folder = runFolder(PROJECT, stack);
  const config = sshConfigPath(folder);
  return [
    { title: "Versions", text: versions() },
    { title: "This computer", text: findings },
    { title: `Settings of stack ${stack}`, text: settings(stack) },
    { title: "Resources", text: resources(stack) },
    { title: "Console of the machine", text: tail(join(folder, FILES.console)) },
    { title: "QEMU", text: tail(join(folder, FILES.log)) },
    { title: "Newest build", text: tail(lastBuildLog()) },
    { title: "xl info", text: fromDom0(config, "xl info; xl list") },
    { title: "xl dmesg", text: fromDom0(config, `xl dmesg | tail -n ${TAIL}`) },
  ];
}
