import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";

export interface Known {
  /** Folder of the project. */
  project: string;
  program: Command;
  npmScripts: readonly string[];
}

/** Code spans and indented or fenced blocks, a line each: where commands are. */
export function codeOf(markdown: string): string[] {
  const lines = markdown.split("\n");
  const code: string[] = [];
  let fenced = false;
  const prose: string[] = [];
  for (const line of lines) {
    if (line.startsWith("```")) fenced = !fenced;
    else if (fenced || /^ {4}/.test(line)) code.push(line.trim());
    else prose.push(line);
  }
  // A span may go on in the next line.
  const spans = [...prose.join("\n").matchAll(/`([^`]+)`/g)];
  return [...code, ...spans.map(([, text = ""]) => text.replace(/\s+/g, " "))];
}

/** The anchors that GitHub gives to a page's headings. */
export function anchorsOf(markdown: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ""] of markdown.matchAll(/^#{1,6} (.*)$/gm)) {
    const slug = heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    anchors.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}

/** Relative links of a page that lead nowhere. */
export function deadLinks(page: string, markdown: string): string[] {
  const inline = [...markdown.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = ""]) => target);
  const references = [...markdown.matchAll(/^\[[^\]]+\]: (\S+)/gm)].map(
    ([, target = ""]) => target,
  );
  return [...inline, ...references]
    .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target))
    .filter((target) => {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : resolve(dirname(page), path);
      if (!existsSync(file)) return true;
      if (anchor === undefined) return false;
      return statSync(file).isDirectory() || !anchorsOf(readFileSync(file, "utf8")).has(anchor);
    });
}

function flagsOf(command: Command): string[] {
  return ["--help", ...command.options.flatMap(({ long }) => (long === undefined ? [] : [long]))];
}

const npmTarget = (project: string, script: string): string =>
  (
    JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    }
  ).scripts[script] ?? "";

/** What is wrong with the project's own commands in a line of code; the line may hold several. */
export function wrongCommands(line: string, known: Known): string[] {
  const { project, program, npmScripts } = known;
  const wrong: string[] = [];
  const withoutComment = line.replace(/(^|\s)#.*$/, "");
  for (const part of withoutComment.split(/&&|\|\||[;|)]/)) {
    const words = part.replace(/["'(]/g, " ").trim().split(/\s+/);
    const at = words.findIndex((word) => /^npm$|^(\.\/)?scripts\/|^\.\/[\w.-]+\//.test(word));
    if (at < 0) continue;
    const [first = "", ...rest] = words.slice(at);
    let name: string | undefined;
    let args = rest;
    if (first === "npm") {
      if (rest[0] !== "run") continue;
      const script = rest.slice(1).find((word) => !word.startsWith("-"));
      if (script === undefined) continue;
      if (!npmScripts.includes(script)) {
        wrong.push(`npm run ${script}: there is no such script`);
        continue;
      }
      const target = npmTarget(project, script).split(" ");
      name = target[0] === "scripts/run" ? target[1] : target[0]?.replace(/^scripts\//, "");
      args = rest.slice(rest.indexOf(script) + 1);
    } else {
      const file = first.replace(/^\.\//, "").replace(/[.,:]$/, "");
      if (!existsSync(join(project, file))) wrong.push(`${first}: there is no such file`);
      name = file === "scripts/run" ? rest[0] : file.replace(/^scripts\//, "");
      if (file === "scripts/run" && name === undefined) continue;
    }
    const command = program.commands.find((candidate) => candidate.name() === name);
    if (command === undefined) {
      if (first.endsWith("scripts/run")) wrong.push(`scripts/run ${name ?? ""}: no such command`);
      continue;
    }
    // What follows a machine's name is a command for that machine.
    const own = name === "ssh" ? [] : args;
    for (const word of own) {
      const flag = /^--[a-z][a-z0-9-]*/.exec(word)?.[0];
      if (flag !== undefined && !flagsOf(command).includes(flag))
        wrong.push(`${name ?? ""} ${flag}: no such option`);
    }
  }
  return wrong;
}
