import { ConfigurationError, loadSettings } from "../../config/load.ts";
import type { Settings } from "../../config/types.ts";
import { UserError } from "./userError.ts";
import { PROJECT_NAME, type Workspace } from "./workspace.ts";

/**
 * Judges the stack's configuration together with what was given as flags, and keeps the flags only if all is well.
 *
 * @throws UserError listing everything that is wrong; nothing has been changed then
 */
export function configure(workspace: Workspace, given: ReadonlyMap<string, string>): Settings {
  const present = flatten(workspace.config());
  for (const [path, value] of given) present[`${PROJECT_NAME}:${path}`] = value;
  const settings = check(present);
  for (const [path, value] of given)
    workspace.must("config", "set", "--path", path, "--stack", workspace.stack, "--", value);
  return settings;
}

/** @throws UserError listing everything that is wrong */
export function check(config: Record<string, string>): Settings {
  try {
    return loadSettings(config, PROJECT_NAME);
  } catch (error) {
    if (error instanceof ConfigurationError)
      throw new UserError(`${error.message}\nNothing was started.`);
    throw error;
  }
}

/** Objects as dotted keys, so that a flag replaces exactly one of their members. */
function flatten(config: Record<string, string>): Record<string, string> {
  const flat: Record<string, string> = {};
  const put = (key: string, value: unknown): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value)) put(`${key}.${name}`, inner);
    } else {
      flat[key] = typeof value === "string" ? value : JSON.stringify(value);
    }
  };
  for (const [key, text] of Object.entries(config)) {
    let value: unknown = text;
    if (/^\s*[[{]/.test(text)) {
      try {
        value = JSON.parse(text) as unknown;
      } catch {
        // Not JSON: text, and judged as such.
      }
    }
    put(key, value);
  }
  return flat;
}
