import { readFileSync } from "node:fs";
import { join } from "node:path";
import Handlebars from "handlebars";

export type TemplateValue = string | number | boolean | readonly string[];

/** Characters that mean nothing special in xl configurations, GRUB, units, networkd and shell assignments alike. */
const PLAIN = /^[A-Za-z0-9 _.,:=+/@-]*$/;

/**
 * Renders a template of this folder.
 *
 * Values go into files with quoting rules of their own, so they are not escaped but refused when they hold anything
 * that one of those files could read as syntax (quotes, newlines, `$`, `;`, braces).
 *
 * @throws Error for a value that is missing or not plain
 */
export function render(template: string, values: Record<string, TemplateValue>): string {
  for (const [name, value] of Object.entries(values)) {
    const texts = typeof value === "object" ? value : [value];
    if (texts.some((text) => typeof text === "string" && !PLAIN.test(text))) {
      throw new Error(
        `${template}: ${name} holds characters that are not allowed there: ${JSON.stringify(value)}`,
      );
    }
  }
  const source = readFileSync(join(import.meta.dirname, `${template}.hbs`), "utf8");
  return Handlebars.compile(source, { strict: true, noEscape: true })(values);
}
