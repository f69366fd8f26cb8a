import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { PROJECT_NAME } from "./workspace.ts";

/** The folder of a local backend's address; undefined for one elsewhere, which only the engine can ask. */
export function localBackend(url: string): string | undefined {
  if (!url.startsWith("file://")) return undefined;
  const path = url.slice("file://".length).replace(/^~(?=\/|$)/, homedir());
  return path.startsWith("/") ? path : undefined;
}

/** A stack's state. Source: pkg/backend/diy/store.go. */
export function stateFile(backend: string, stack: string): string {
  return join(backend, ".pulumi/stacks", PROJECT_NAME, `${stack}.json`);
}

/** A stack's locks. Source: pkg/backend/diy/lock.go. */
export function lockFiles(backend: string, stack: string): string[] {
  const folder = join(backend, ".pulumi/locks/organization", PROJECT_NAME, stack);
  if (!existsSync(folder)) return [];
  // Beside each lock lies a file of attributes, which the engine's file store writes for itself.
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => join(folder, file));
}
