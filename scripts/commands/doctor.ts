import { existsSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { Command } from "commander";
import { cacheFolder, cloneStateFolder } from "../../provider/host/folders.ts";
import { chooseAccelerator } from "../../provider/qemu/accelerator.ts";
import { findFirmware } from "../../provider/qemu/firmware.ts";
import { chooseBackend, shown } from "../lib/backend.ts";
import { findEngine } from "../lib/engine.ts";
import { capture, fromUser } from "../lib/process.ts";
import { redact } from "../lib/redact.ts";
import { namesHere, render, sections } from "../lib/report.ts";
import { UserError } from "../lib/userError.ts";
import { checkStackName, DEFAULT_STACK, PROJECT, Workspace } from "../lib/workspace.ts";

interface Finding {
  state: "ok" | "note" | "missing";
  what: string;
  detail: string;
}

/** Programs without which `up` cannot work, and how each tells its version. */
const PROGRAMS: readonly (readonly [string, string[]])[] = [
  ["qemu-system-x86_64", ["--version"]],
  ["qemu-img", ["--version"]],
  ["mmdebstrap", ["--version"]],
  ["bwrap", ["--version"]],
  ["fakeroot", ["--version"]],
  ["mke2fs", ["-V"]],
  ["mkfs.vfat", ["--help"]],
  ["mcopy", ["--version"]],
  ["sgdisk", ["--version"]],
  ["zstd", ["--version"]],
  ["ssh", ["-V"]],
];

function program([name, args]: readonly [string, string[]]): Finding {
  const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` };
  const { code, stdout, stderr } = capture(name, args, env);
  if (code === 127)
    return { state: "missing", what: name, detail: "not installed; ./scripts/up installs it" };
  const line = (stdout + stderr).split("\n").find((text) => /\d/.test(text));
  return { state: "ok", what: name, detail: line?.trim() ?? "installed" };
}

function user(): Finding {
  return process.getuid?.() === 0
    ? {
        state: "note",
        what: "user",
        detail: "root, whose QEMU gets no capabilities; an ordinary user is safer and is enough",
      }
    : { state: "ok", what: "user", detail: "an ordinary one" };
}

function state(): Finding {
  const { url, chosenBy } = chooseBackend();
  const why = chosenBy === "default" ? "this clone's own" : chosenBy;
  return { state: "ok", what: "state of stacks", detail: `${shown(url)}, ${why}` };
}

function memory(): Finding {
  const available = Math.floor(
    Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) / 1024,
  );
  const enough = available >= 6144;
  return {
    state: enough ? "ok" : "note",
    what: "memory",
    detail: `${available} MiB available${enough ? "" : "; the default machine wants 6144: lower machine.memoryMiB and vmCount"}`,
  };
}

function disk(what: string, path: string, neededMiB: number): Finding {
  let folder = path;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const free = Math.floor((bavail * bsize) / 2 ** 20);
  return {
    state: free >= neededMiB ? "ok" : "missing",
    what,
    detail: `${path}: ${free} MiB free, up to ${neededMiB} MiB wanted`,
  };
}

async function findings(): Promise<Finding[]> {
  const accelerator = await chooseAccelerator("auto");
  const engine = findEngine();
  const firmware = findFirmware();
  return [
    { state: "ok", what: "node", detail: process.version },
    engine === undefined
      ? {
          state: "note",
          what: "pulumi",
          detail: "not there yet; up downloads it or builds it from its Go modules",
        }
      : { state: "ok", what: "pulumi", detail: `${engine.version}, ${engine.source}` },
    engine === undefined
      ? { state: "note", what: "command plugin", detail: "decided when the engine is there" }
      : {
          state: "ok",
          what: "command plugin",
          detail:
            (await Workspace.open(DEFAULT_STACK, () => undefined)).commandPlugin === "official"
              ? "the official one"
              : "the project's drop-in (the official one cannot be downloaded here)",
        },
    state(),
    ...PROGRAMS.map(program),
    firmware === undefined
      ? {
          state: "missing",
          what: "UEFI firmware",
          detail: "OVMF is not installed; ./scripts/up installs it",
        }
      : { state: "ok", what: "UEFI firmware", detail: firmware.code },
    user(),
    { state: "ok", what: "cpu", detail: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}` },
    memory(),
    disk("disk for caches", cacheFolder(), 6000),
    disk("disk for stacks", cloneStateFolder(PROJECT), 2500),
    {
      state: accelerator.accelerator === "kvm" ? "ok" : "note",
      what: "accelerator",
      detail:
        accelerator.accelerator === "kvm"
          ? `KVM: ${accelerator.reason}`
          : `falls back to TCG (full emulation, about 20 times slower): ${accelerator.reason}`,
    },
  ];
}

function lines(list: readonly Finding[]): string {
  const width = Math.max(...list.map(({ what }) => what.length));
  return list
    .map(({ state, what, detail }) => `${state.padEnd(7)}  ${what.padEnd(width)}  ${detail}`)
    .join("\n");
}

function writeReport(file: string, stack: string, list: readonly Finding[]): void {
  const path = fromUser(file);
  if (existsSync(path))
    throw new UserError(`${path} is there already and stays; give the report another name`);
  if (!existsSync(dirname(path)))
    throw new UserError(`there is no folder ${dirname(path)}; make it, or choose another one`);
  const text = redact(render(sections(stack, lines(list))), namesHere());
  writeFileSync(path, text, { mode: 0o600, flag: "wx" });
  console.log(
    `${path}\nKeys, passphrases, your home folder and this computer's name are left out; read it before you give it away.`,
  );
}

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("What this computer has, lacks, and falls back to")
    .option("--report <FILE>", "write all that a bug report needs into a new file instead")
    .option("-s, --stack <NAME>", "which testbed the report is about", DEFAULT_STACK)
    .action(async ({ report, stack }: { report?: string; stack: string }) => {
      checkStackName(stack);
      const list = await findings();
      if (report !== undefined) {
        writeReport(report, stack, list);
        return;
      }
      console.log(lines(list));
      if (list.some(({ state }) => state === "missing")) process.exitCode = 1;
    });
}
