import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { loadSettings } from "../../../config/load.ts";
import { allowed, settings, type Setting } from "../../../config/settings.ts";

const PROJECT = join(import.meta.dirname, "../../..");

/** The leaves of the interface Settings as types.ts declares them: dotted path to the type's text. */
function declared(): Map<string, ts.TypeNode> {
  const file = "config/types.ts";
  const source = ts.createSourceFile(
    file,
    readFileSync(join(PROJECT, file), "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const leaves = new Map<string, ts.TypeNode>();
  const walk = (members: ts.NodeArray<ts.TypeElement>, path: string[]): void => {
    for (const member of members) {
      if (!ts.isPropertySignature(member) || member.type === undefined)
        throw new Error(`not a property: ${member.getText()}`);
      const here = [...path, member.name.getText()];
      if (ts.isTypeLiteralNode(member.type)) walk(member.type.members, here);
      else leaves.set(here.join("."), member.type);
    }
  };
  for (const statement of source.statements)
    if (ts.isInterfaceDeclaration(statement) && statement.name.text === "Settings")
      walk(statement.members, []);
  return leaves;
}

/** What a setting of schema.json has to be called in TypeScript. */
function expected({ type, choices, items }: Setting): string[] {
  if (choices !== undefined) return choices.map((choice) => JSON.stringify(choice)).sort();
  const array = `${items ?? ""}[]`;
  return [{ integer: "number", string: "string", boolean: "boolean", array }[type]];
}

const alternatives = (type: ts.TypeNode): string[] =>
  (ts.isUnionTypeNode(type) ? [...type.types] : [type]).map((part) => part.getText()).sort();

test("schema.json and types.ts name the same settings", () => {
  expect(settings.map(({ path }) => path).sort()).toEqual([...declared().keys()].sort());
  expect(settings.length).toBeGreaterThan(20);
});

test("schema.json and types.ts give each setting the same values", () => {
  const types = declared();
  for (const setting of settings) {
    const type = types.get(setting.path);
    expect(type && { [setting.path]: alternatives(type) }).toEqual({
      [setting.path]: expected(setting),
    });
  }
});

describe.each(settings.map((setting) => [setting.path, setting] as const))(
  "%s",
  (path, setting) => {
    test("is described, and its default lies within its bounds", () => {
      expect(setting.description).not.toBe("");
      expect(setting.default).toBeDefined();
      if (setting.type === "integer") {
        expect(setting.minimum).toBeLessThanOrEqual(Number(setting.default));
        expect(setting.maximum).toBeGreaterThanOrEqual(Number(setting.default));
      }
      if (setting.choices !== undefined) expect(setting.choices).toContain(setting.default);
    });

    test("its default, given as text, is accepted and is what one gets without it", () => {
      const at = (tree: unknown) =>
        path
          .split(".")
          .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], tree);
      const text =
        typeof setting.default === "string" ? setting.default : JSON.stringify(setting.default);
      expect(at(loadSettings({}, "p"))).toEqual(setting.default);
      expect(at(loadSettings({ [`p:${path}`]: text }, "p"))).toEqual(setting.default);
    });

    test("its bounds are accepted, what lies outside is refused and told what is allowed", () => {
      // Memory that is enough for any bound of another setting, unless memory is what is being tried.
      const room = path.startsWith("machine.memory")
        ? {}
        : { "p:machine.memoryMiB": String(2 ** 20), "p:domU.memoryMiB": "128" };
      const load = (value: string) => () => loadSettings({ ...room, [`p:${path}`]: value }, "p");
      if (setting.minimum !== undefined && setting.maximum !== undefined) {
        const { minimum, maximum, unit = "" } = setting;
        expect(allowed(setting)).toBe(`${minimum} to ${maximum} ${unit}`.trim());
        expect(load(String(maximum))).not.toThrow();
        for (const value of [minimum - 1, maximum + 1])
          expect(load(String(value))).toThrow(
            `${path}: "${value}" is not accepted; allowed is ${allowed(setting)}`,
          );
      } else if (setting.choices !== undefined) {
        for (const choice of setting.choices) {
          expect(allowed(setting)).toContain(String(choice));
          // A target that is a host has to name one.
          if (choice === "existing")
            expect(load(choice)).toThrow("hosts: target existing needs a host");
          else expect(load(String(choice))).not.toThrow();
        }
        expect(load("something else")).toThrow(
          `${path}: "something else" is not accepted; allowed is ${allowed(setting)}`,
        );
      } else {
        expect(allowed(setting)).toMatch(/\w/);
        expect(load("\u0000")).toThrow(`${path}: "\\u0000" is not accepted; allowed is`);
      }
    });
  },
);

test("what is allowed is put in words", () => {
  const words = Object.fromEntries(settings.map((setting) => [setting.path, allowed(setting)]));
  expect(words).toMatchObject({
    vmCount: "2 to 64",
    target: "emulated or existing",
    "domU.memoryMiB": "128 to 65536 MiB",
    "machine.accelerator": "auto, tcg or kvm",
    "machine.mirror": "an address that begins with http:// or https://, or nothing",
    "gpu.device": "auto, none, or a device's address as lspci -D prints it: 0000:01:00.0",
    "v4v.enabled": "true or false",
    "remoteGpu.enabled": "true or false",
  });
});
