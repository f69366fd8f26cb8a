import schema from "./schema.json" with { type: "json" };

/** One setting as schema.json describes it; `path` is dotted, as in `pulumi config set --path`. */
export interface Setting {
  path: string;
  type: "integer" | "string" | "boolean" | "array";
  description: string;
  unit?: string;
  minimum?: number;
  maximum?: number;
  choices?: readonly unknown[];
  /** What a text may be, in words, where a pattern judges it. */
  words?: string;
  /** Words that it may be made of, for completion. */
  suggestions?: readonly string[];
  default: unknown;
  /** What a list is of, as config/types.ts calls it. */
  items?: string;
  /** Why only some values are accepted so far. */
  notYet?: string;
}

export interface Node {
  type: string;
  items?: Node;
  description?: string;
  properties?: Record<string, Node>;
  minimum?: number;
  maximum?: number;
  enum?: readonly unknown[];
  default?: unknown;
  "x-unit"?: string;
  "x-allowed"?: string;
  "x-words"?: readonly string[];
  "x-items"?: string;
  "x-notYet"?: string;
}

/** One leaf of a schema as a setting; `path` as it is to be shown. */
const settingOf = (path: string, child: Node): Setting => ({
  path,
  type: child.type as Setting["type"],
  description: child.description ?? "",
  default: child.default,
  ...(child["x-unit"] !== undefined && { unit: child["x-unit"] }),
  ...(child.minimum !== undefined && { minimum: child.minimum }),
  ...(child.maximum !== undefined && { maximum: child.maximum }),
  ...(child.enum !== undefined && { choices: child.enum }),
  ...(child["x-allowed"] !== undefined && { words: child["x-allowed"] }),
  ...(child["x-words"] !== undefined && { suggestions: child["x-words"] }),
  ...(child.type === "array" && { items: child["x-items"] ?? "string" }),
  ...(child["x-notYet"] !== undefined && { notYet: child["x-notYet"] }),
});

function* walk(node: Node, path: string[]): Generator<Setting> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const here = [...path, name];
    if (child.type === "object") yield* walk(child, here);
    else yield settingOf(here.join("."), child);
  }
}

/** What lies at a path into the entries of a list: `hosts`, `0`, `jump`, `port`; undefined if nothing does. */
export function inList(path: readonly string[]): Setting | undefined {
  let node: Node | undefined = schema;
  let shown = "";
  for (const part of path) {
    const index: boolean = node?.type === "array";
    shown += index ? `[${part}]` : shown === "" ? part : `.${part}`;
    node = index ? node?.items : node?.properties?.[part];
  }
  return node === undefined ? undefined : settingOf(shown, node);
}

/** Every setting, in the order of schema.json: the one list behind flags, help and documentation. */
export const settings: readonly Setting[] = [...walk(schema, [])];

/** What a setting accepts, for help and errors: `2 to 64`, `auto, tcg or kvm`. */
export function allowed(setting: Setting): string {
  if (setting.choices !== undefined) {
    const words = setting.choices.map((choice) => String(choice));
    return words.length < 2
      ? words.join("")
      : `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;
  }
  const unit = setting.unit === undefined ? "" : ` ${setting.unit}`;
  if (setting.minimum !== undefined && setting.maximum !== undefined) {
    return `${setting.minimum} to ${setting.maximum}${unit}`;
  }
  if (setting.type === "boolean") return "true or false";
  return setting.words ?? (setting.type === "array" ? "an empty list" : "text");
}
