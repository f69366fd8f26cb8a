import { Ajv, type ErrorObject } from "ajv";
import { fillDependentDefaults } from "./dependentDefaults.ts";
import { distance } from "./distance.ts";
import { evaluationProblems } from "./evaluation.ts";
import { gpuProblems } from "./gpu.ts";
import { gpuSizeProblems } from "./gpuSizes.ts";
import { hostProblems } from "./hosts.ts";
import { memoryProblems } from "./memory.ts";
import { ruleProblems } from "./rules.ts";
import schema from "./schema.json" with { type: "json" };
import { allowed, inList, settings, type Setting } from "./settings.ts";
import type { Settings } from "./types.ts";

/** Everything that is wrong with a configuration, one entry a setting. */
export class ConfigurationError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(
      `the configuration has ${count}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    );
    this.name = "ConfigurationError";
    this.problems = problems;
  }
}

type Tree = Record<string, unknown>;

const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Pulumi hands out strings, also for objects and lists; anything else stays as it is. */
function parse(raw: string): unknown {
  if (!/^\s*[[{]/.test(raw)) return raw;
  try {
    return JSON.parse(raw) as unknown;
  } catch {
    return raw;
  }
}

/** Puts `value` at a dotted path; an object given beside dotted keys is merged with them. */
function place(tree: Tree, path: string[], value: unknown, name: string, problems: string[]): void {
  const [head, ...rest] = path;
  if (
    head === undefined ||
    head === "" ||
    ["__proto__", "constructor", "prototype"].includes(head)
  ) {
    problems.push(`${printable(name)}: not a name of a setting`);
    return;
  }
  if (rest.length > 0) {
    if (!Object.hasOwn(tree, head)) tree[head] = {};
    const below = tree[head];
    if (isTree(below)) place(below, rest, value, name, problems);
    else problems.push(`${printable(name)}: ${printable(head)} is already set to ${show(below)}`);
    return;
  }
  const present = Object.hasOwn(tree, head) ? tree[head] : undefined;
  if (isTree(present) && isTree(value)) {
    for (const [key, inner] of Object.entries(value))
      place(present, [key], inner, `${name}.${key}`, problems);
  } else if (present !== undefined) {
    problems.push(`${printable(name)}: set twice, as one value and by its parts`);
  } else {
    tree[head] = value;
  }
}

/** Safe to print and short: what could move a cursor, end a line or turn the reading direction is spelled out. */
function printable(text: string): string {
  const spelled = text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
  return spelled.length > 60 ? `${spelled.slice(0, 57)}...` : spelled;
}

function show(value: unknown): string {
  const json: unknown = JSON.stringify(value);
  return printable(typeof json === "string" ? json : String(value));
}

/** The setting below `path` that was probably meant: little else than `name`, or longer by a unit. */
function nearest(name: string, path: string[], candidates: string[]): string {
  const lower = name.toLowerCase();
  const best = candidates
    .map((candidate) => ({
      candidate,
      away: candidate.toLowerCase().startsWith(lower)
        ? 0
        : distance(lower, candidate.toLowerCase()),
    }))
    .sort((a, b) => a.away - b.away)[0];
  return name !== "" && best !== undefined && best.away <= Math.max(2, name.length / 3)
    ? `; did you mean ${[...path, best.candidate].join(".")}?`
    : "";
}

function at(tree: Tree, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (node, key) =>
      isTree(node) ? node[key] : Array.isArray(node) ? (node[Number(key)] as unknown) : undefined,
    tree,
  );
}

/** Lists that were set by their path, as flags are kept, lie in their object as text. */
function parseLists(tree: Tree): void {
  for (const { path, type } of settings) {
    const parts = path.split(".");
    const name = parts.pop() ?? "";
    const parent = at(tree, parts);
    const value = isTree(parent) && Object.hasOwn(parent, name) ? parent[name] : undefined;
    if (type === "array" && isTree(parent) && typeof value === "string")
      parent[name] = parse(value);
  }
}

function refusal(setting: Setting, value: unknown): string {
  const why = setting.notYet === undefined ? "" : ` (${setting.notYet})`;
  return `${setting.path}: ${show(value)} is not accepted; allowed is ${allowed(setting)}${why}`;
}

/** What ajv would coerce though nobody means it: null to 0, false or empty text, true to 1 or to a word, "1e1" to 10. */
function* misfits(tree: Tree): Generator<string> {
  for (const setting of settings) {
    const value = at(tree, setting.path.split("."));
    const mistyped = value === null || (typeof value === "boolean" && setting.type !== "boolean");
    // ajv reads "0x10", "1e1" and " 3" as numbers.
    const odd = setting.type === "integer" && typeof value === "string" && !/^-?\d+$/.test(value);
    if (mistyped || odd) yield refusal(setting, value);
  }
}

function sentence(error: ErrorObject, tree: Tree): string {
  const path = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const dotted = path.join(".");
  if (error.keyword === "additionalProperties") {
    const name = (error.params as { additionalProperty: string }).additionalProperty;
    const siblings = settings
      .map((setting) => setting.path.split("."))
      .filter((parts) => path.every((part, i) => parts[i] === part))
      .map((parts) => parts[path.length] ?? "");
    const full = [...path, name].join(".");
    const shown = path.length === 0 ? "" : (inList(path)?.path ?? "");
    return `${printable(shown === "" ? full : `${shown}.${name}`)}: there is no such setting${nearest(name, path, [...new Set(siblings)])}`;
  }
  const setting = settings.find((candidate) => candidate.path === dotted);
  const within = settings.find(
    ({ path: of, type }) => type === "array" && dotted.startsWith(`${of}.`),
  );
  if (within?.items !== undefined && within.items !== "string") {
    if (error.keyword === "required") {
      const name = (error.params as { missingProperty: string }).missingProperty;
      const lacking = inList([...path, name]);
      if (lacking !== undefined)
        return `${lacking.path}: is missing; allowed is ${allowed(lacking)}`;
    }
    const inner = inList(path);
    if (inner !== undefined && path.length > within.path.split(".").length + 1)
      return refusal(inner, at(tree, path));
  }
  const list = settings.find((candidate) => candidate.path === path.slice(0, -1).join("."));
  if (list?.type === "array") {
    const index = path.at(-1) ?? "";
    const items = at(tree, path.slice(0, -1)) as readonly unknown[];
    return refusal({ ...list, path: `${list.path}[${index}]` }, items[Number(index)]);
  }
  const value = at(tree, path);
  return setting === undefined
    ? `${printable(dotted)}: ${show(value)} is not accepted; ${error.message ?? "is not valid"}`
    : refusal(setting, value);
}

const ajv = new Ajv({ allErrors: true, coerceTypes: true, useDefaults: true, strict: false });
const validate = ajv.compile(schema);

/**
 * The settings of a stack.
 *
 * @param raw what `pulumi.runtime.allConfig()` gives: `project:key` to string; keys may be dotted paths
 * @param project the project's name; keys of other namespaces are not ours to judge
 * @throws ConfigurationError naming every setting that is wrong, its value and what is allowed
 */
export function loadSettings(raw: Record<string, string>, project: string): Settings {
  const problems: string[] = [];
  const tree: Tree = {};
  for (const [key, text] of Object.entries(raw).sort(([a], [b]) => a.localeCompare(b))) {
    const colon = key.indexOf(":");
    if (key.slice(0, colon) !== project) continue;
    const name = key.slice(colon + 1);
    place(tree, name.split("."), parse(text), name, problems);
  }
  parseLists(tree);
  const given = structuredClone(tree);
  const valid = validate(tree);
  // One sentence a setting: ajv may report the same value under several keywords.
  const sentences = valid ? [] : (validate.errors ?? []).map((error) => sentence(error, given));
  problems.push(...new Set([...sentences, ...misfits(given)]));
  const checked = tree as unknown as Settings;
  if (problems.length === 0) {
    fillDependentDefaults(checked, given);
    // GRUB passes one blank between words, whatever was written; what runs is compared with what was asked for.
    checked.xen.options = checked.xen.options.split(" ").filter(Boolean).join(" ");
    problems.push(
      ...hostProblems(checked),
      ...memoryProblems(checked),
      ...gpuProblems(checked),
      ...gpuSizeProblems(checked),
      ...ruleProblems(checked),
      ...evaluationProblems(checked),
    );
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return checked;
}
