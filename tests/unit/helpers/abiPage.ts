/** What docs/v4v-abi.md says in numbers, and what the header says in comments. */

export interface Field {
  offset: number;
  type: string;
  name: string;
}

export interface Structure {
  name: string;
  size: number;
  fields: Field[];
}

const cells = (row: string): string[] =>
  row
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

/** Rows of the first table at or after a position, without head and rule. */
function tableAfter(page: string, position: number): string[][] {
  const [table = ""] = /^\|.*\n(?:\|.*\n)+/m.exec(page.slice(position)) ?? [];
  return table.trim().split("\n").slice(2).map(cells);
}

/** "`struct v4v_x` (8): ..." and the table that follows. */
export function structures(page: string): Structure[] {
  return [...page.matchAll(/^`struct (v4v_\w+)` \((\d+)\)/gm)].map((found) => ({
    name: found[1] ?? "",
    size: Number(found[2]),
    fields: tableAfter(page, found.index).map(([offset = "", type = "", name = ""]) => ({
      offset: Number(offset),
      type,
      name: name.replaceAll("`", ""),
    })),
  }));
}

/** Every number that the page gives to a name: in a table's second column, or right behind the name. */
export function constants(page: string): [string, string][] {
  const rows = [...page.matchAll(/^\| `(V4V(?:OP)?_\w+)` +\| +(0x[0-9a-f]+|\d+) \|/gm)];
  const inText = [
    ...page.matchAll(/`((?:V4V|VIRQ|__HYPERVISOR)_\w+)`\s(?:\((\d+)\)|(0x[0-9a-f]+))/g),
  ];
  return [
    ...rows.map(([, name = "", value = ""]): [string, string] => [name, value]),
    ...inText.map(([, name = "", decimal, hex]): [string, string] => [name, decimal ?? hex ?? ""]),
  ];
}

/** A C file that compiles if the page is right about the header. */
export function assertions(page: string): string {
  const lines = ["#include <stddef.h>", "#include <stdint.h>", "#include <v4v.h>"];
  const claim = (condition: string, said: string) => {
    lines.push(`_Static_assert(${condition}, ${JSON.stringify(said)});`);
  };
  for (const [name, value] of constants(page)) claim(`${name} == ${value}`, `${name} ${value}`);
  for (const { name, size, fields } of structures(page)) {
    claim(`sizeof(struct ${name}) == ${size}`, `struct ${name} has ${size} bytes`);
    let end = "0";
    for (const { offset, type, name: field } of fields) {
      const member = `((struct ${name} *)0)->${field}`;
      const said = `${name}.${field}: ${type} at ${offset}`;
      claim(`offsetof(struct ${name}, ${field}) == ${offset}`, said);
      claim(`__builtin_types_compatible_p(__typeof__(${member}), ${type})`, said);
      claim(`${end} == ${offset}`, `nothing is left out before ${said}`);
      end = `${offset} + sizeof(${member})`;
    }
    claim(`${end} == sizeof(struct ${name})`, `nothing is left out at the end of ${name}`);
  }
  return `${lines.join("\n")}\n`;
}

const errorsIn = (text: string): string[] =>
  [...new Set([...text.matchAll(/-(E[A-Z]{3,})\b/g)].map(([, name = ""]) => name))].sort();

/** Errors that the page gives an operation: in its section, or in its row of the rules' table. */
export function documentedErrors(page: string, operation: string): string[] {
  const section = new RegExp(`^### ${operation}\\n([^]*?)(?=^##)`, "m").exec(page)?.[1];
  const row = new RegExp(`^\\| \`${operation}\` +\\| (-E.*)$`, "m").exec(page)?.[1];
  return errorsIn(section ?? row ?? "");
}

/** Errors in the header's comment that begins with the operation's name. */
export function headerErrors(header: string, operation: string): string[] {
  const comment = [...header.matchAll(/\/\*\n([^]*?)\*\//g)]
    .map(([, text = ""]) => text)
    .find((text) => new RegExp(`^ \\* ${operation}:`, "m").test(text));
  return errorsIn(comment ?? "");
}
