import { readFileSync } from "node:fs";
import { join } from "node:path";
import Handlebars from "handlebars";

export type TemplateValue = string | number | boolean | readonly string[];

/**
 * One word: characters that separate or quote nothing in xl configurations, GRUB, units, networkd, shell assignments and
 * ssh_config alike. A dash at the beginning would be an option, a comma another key of xl's devices.
 */
const WORD = /^(?!-)[A-Za-z0-9_.:+/@-]*$/;

/** Several words on one line; where a value is put that may have them, all of that line is its own. */
const WORDS = /^[A-Za-z0-9 _.,:=+/@-]*$/;

/** Values that are options for a kernel, a hypervisor or a module, a command with its own, or assignments. */
const OPTIONS: readonly string[] = [
  "command",
  "commandLine",
  "dom0Options",
  "environment",
  "kernelOptions",
  "parameters",
];

/**
 * Renders a template of this folder.
 *
 * Values go into files with quoting rules of their own, so they are not escaped but refused when they hold anything
 * that one of those files could read as syntax (quotes, newlines, `$`, `;`, braces; spaces and commas but in options).
 *
 * @throws Error for a value that is missing or not plain
 */
export function render(template: string, values: Record<string, TemplateValue>): string {
  for (const [name, value] of Object.entries(values)) {
    const allowed = OPTIONS.includes(name) ? WORDS : WORD;
    const texts = typeof value === "object" ? value : [value];
    if (texts.some((text) => typeof text === "string" && !allowed.test(text))) {
      throw new Error(
        `${template}: ${name} holds characters that are not allowed there: ${JSON.stringify(value)}`,
      );
    }
  }
  const source = readFileSync(join(import.meta.dirname, `${template}.hbs`), "utf8");
  return Handlebars.compile(source, { strict: true, noEscape: true })(values);
}
