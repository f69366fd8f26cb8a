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
  const settings = judge(workspace.config(), given);
  for (const [path, value] of given)
    workspace.must("config", "set", "--path", path, "--stack", workspace.stack, "--", value);
  return settings;
}

/**
 * A configuration with these settings in place of its own; nothing is kept.
 *
 * @throws UserError listing everything that is wrong
 */
export function judge(
  config: Readonly<Record<string, string>>,
  given: ReadonlyMap<string, string>,
): Settings {
  const changed = { ...config };
  for (const [path, value] of given) replace(changed, path.split("."), value);
  return check(changed);
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

/** The object in `text`, if it is one. */
function treeOf(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined || !/^\s*\{/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined; // Text that looks like an object, and is judged as text.
  }
}

function remove(tree: Record<string, unknown>, [head = "", ...rest]: string[]): void {
  const below = tree[head];
  if (rest.length === 0) Reflect.deleteProperty(tree, head);
  else if (typeof below === "object" && below !== null)
    remove(below as Record<string, unknown>, rest);
}

/** Puts a flag's value in place of whatever was said about this one setting; the rest stays to be judged as it is. */
function replace(config: Record<string, string>, path: string[], value: string): void {
  const name = (parts: string[]) => `${PROJECT_NAME}:${parts.join(".")}`;
  for (let i = 1; i < path.length; i++) {
    const tree = treeOf(config[name(path.slice(0, i))]);
    if (tree === undefined) continue;
    remove(tree, path.slice(i));
    config[name(path.slice(0, i))] = JSON.stringify(tree);
  }
  config[name(path)] = value;
}
