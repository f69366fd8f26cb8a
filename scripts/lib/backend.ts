import { existsSync, readFileSync, readdirSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { cloneStateFolder } from "../../provider/host/folders.ts";
import { PROJECT, PROJECT_NAME } from "./project.ts";

/** Where the state of a clone's stacks is kept. */
export interface Backend {
  /** Undefined if only the engine can read who is logged in. */
  url: string | undefined;
  chosenBy: "PULUMI_BACKEND_URL" | "Pulumi.yaml" | "pulumi login" | "default";
  /** A login that does not count, as this clone's stacks are in its own backend. */
  passedOver?: string;
}

/** Folder of a clone's own backend, which serves where nobody chose another one. */
export const ownBackendFolder = (project = PROJECT): string =>
  join(cloneStateFolder(project), "backend");

/**
 * Folder with what `pulumi login` has kept: the user's, while plug-ins are in one of the clone's. The engine takes a user's home
 * from /etc/passwd, whatever HOME says. Source: sdk/go/common/workspace/creds.go.
 */
export function credentialsFolder(env: NodeJS.ProcessEnv = process.env): string {
  const { PULUMI_CREDENTIALS_PATH: credentials, PULUMI_HOME: home } = env;
  if (credentials !== undefined && credentials !== "") return credentials;
  return home !== undefined && home !== "" ? home : join(userInfo().homedir, ".pulumi");
}

/** Where `pulumi login` leads; null if nobody is logged in. */
function login(env: NodeJS.ProcessEnv): string | null | undefined {
  const path = join(credentialsFolder(env), "credentials.json");
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (text.trim() === "") return null;
  try {
    const kept = JSON.parse(text) as { current?: string; $pulumiSecureStore?: number };
    // An encrypted file does not say.
    return kept.$pulumiSecureStore === undefined ? (kept.current ?? null) : undefined;
  } catch {
    return undefined; // The engine will say what is wrong with it.
  }
}

/** `backend:` of Pulumi.yaml, as pulumi writes it; null if there is none. */
function ofProject(project: string): string | null | undefined {
  const path = join(project, "Pulumi.yaml");
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (!/^backend:/m.test(text)) return null;
  return /^backend:\s*\n(?:\s+#.*\n)*\s+url:\s*["']?([^\s"'#]+)/m.exec(text)?.[1];
}

const holdsStacks = (folder: string): boolean => {
  const stacks = join(folder, ".pulumi/stacks", PROJECT_NAME);
  return existsSync(stacks) && readdirSync(stacks).some((file) => /\.json(\.gz)?$/.test(file));
};

/**
 * In the engine's own order: the environment, Pulumi.yaml, who is logged in; without any of them, and for a clone that has stacks there,
 * its own backend. Source: pkg/workspace/creds.go, GetCurrentCloudURL.
 */
export function chooseBackend(project = PROJECT, env: NodeJS.ProcessEnv = process.env): Backend {
  const given = env.PULUMI_BACKEND_URL;
  if (given !== undefined && given !== "") return { url: given, chosenBy: "PULUMI_BACKEND_URL" };
  const configured = ofProject(project);
  if (configured !== null) return { url: configured, chosenBy: "Pulumi.yaml" };
  const own = ownBackendFolder(project);
  const current = login(env);
  const url = `file://${own}`;
  if (current === null || current === url) return { url, chosenBy: "default" };
  if (holdsStacks(own))
    return { url, chosenBy: "default", passedOver: current ?? "another backend" };
  return { url: current, chosenBy: "pulumi login" };
}

/** An address without the password that may be in it. */
export const shown = (url: string | undefined): string =>
  url === undefined
    ? "known to pulumi alone"
    : url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/, "$1…@");

/** The folder of a local backend's address; undefined for one elsewhere, which only the engine can ask. */
export function localBackend(url: string | undefined): string | undefined {
  if (url?.startsWith("file://") !== true) return undefined;
  const path = url
    .slice("file://".length)
    .replace(/\?.*$/, "")
    .replace(/^~(?=\/|$)/, userInfo().homedir);
  return path.startsWith("/") ? path : undefined;
}

/** A stack's checkpoint in a local backend; undefined if there is none. Source: pkg/backend/diy/store.go. */
export function checkpoint(backend: string, stack: string): string | undefined {
  const path = join(backend, ".pulumi/stacks", PROJECT_NAME, `${stack}.json`);
  if (existsSync(path)) return readFileSync(path, "utf8");
  // PULUMI_DIY_BACKEND_GZIP.
  return existsSync(`${path}.gz`) ? gunzipSync(readFileSync(`${path}.gz`)).toString() : undefined;
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
