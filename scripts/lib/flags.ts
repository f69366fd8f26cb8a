import { Option, type Command } from "commander";
import { allowed, settings, type Setting } from "../../config/settings.ts";

/** Shorter names for the settings that people change most. */
const ALIASES: Record<string, string> = {
  vmCount: "vms",
  "evaluation.profile": "profile",
  "evaluation.experiments": "experiments",
  "evaluation.sizes": "sizes",
  "evaluation.pairs": "pairs",
  "evaluation.transports": "transports",
  "evaluation.repetitions": "repetitions",
  "evaluation.budget": "budget",
  "evaluation.gpuProducts": "gpu-products",
  "evaluation.gpuStencils": "gpu-stencils",
  "evaluation.gpuTransfers": "gpu-transfers",
};

const kebab = (path: string): string =>
  path
    // These are words, whatever their capitals say.
    .replace("domU", "domu")
    .replace("MiB", "Mib")
    .replace("KiB", "Kib")
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replaceAll(".", "-")
    .toLowerCase();

/** Flag of a setting: `--vms`, `--machine-memory-mib`, ... */
export function flagOf(setting: Setting): string {
  return ALIASES[setting.path] ?? kebab(setting.path);
}

/** A list that takes nothing yet has none. */
export const hasFlag = (setting: Setting): boolean =>
  setting.type !== "array" || setting.words !== undefined;

const PLACEHOLDERS = {
  integer: "N",
  boolean: "true|false",
  string: "TEXT",
  array: "JSON",
} as const;

const attribute = (flag: string): string =>
  flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

function describe(setting: Setting): string {
  const value = setting.default === "" ? "empty" : JSON.stringify(setting.default);
  return `${setting.description} [${allowed(setting)}; default ${value}${setting.unit === undefined ? "" : ` ${setting.unit}`}]`;
}

/**
 * Gives a command an option for every setting, or for those that `wanted` names; the values are judged with the rest of
 * the configuration.
 */
export function addSettingFlags(
  command: Command,
  wanted: (setting: Setting) => boolean = () => true,
): void {
  for (const setting of settings) {
    if (!hasFlag(setting) || !wanted(setting)) continue;
    const placeholder = setting.unit ?? PLACEHOLDERS[setting.type];
    command.addOption(
      new Option(`--${flagOf(setting)} <${placeholder}>`, describe(setting)).helpGroup(
        "Settings (kept for this stack):",
      ),
    );
  }
}

/** The settings that were given as flags: dotted path to text. */
export function givenSettings(options: Record<string, unknown>): Map<string, string> {
  const given = new Map<string, string>();
  for (const setting of settings) {
    const value = options[attribute(flagOf(setting))];
    if (typeof value === "string") given.set(setting.path, value);
  }
  return given;
}
