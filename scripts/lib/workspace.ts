import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { cloneStateFolder, runFolder } from "../../provider/host/folders.ts";
import { ensureEngine, type Engine } from "./engine.ts";
import { attached, capture, must, type Output } from "./process.ts";
import { UserError } from "./userError.ts";

export const PROJECT = resolve(import.meta.dirname, "../..");
export const PROJECT_NAME = "v4vsockets-testbed";
export const ARTIFACTS = join(PROJECT, "artifacts");
export const DEFAULT_STACK = "dev";

/** Version of @pulumi/command in package.json, whose plugin the engine wants. */
const COMMAND_VERSION = "1.2.1";

/** Before the arguments: those may end in a value behind `--`. */
const GLOBAL = ["--non-interactive", "--cwd", PROJECT];

const STACK_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/;

/** A stack's name becomes part of paths. */
export function checkStackName(stack: string): void {
  if (STACK_NAME.test(stack)) return;
  throw new UserError(
    `${JSON.stringify(stack)} is not a name for a stack: letters, digits, dots, dashes and underscores, 40 at most`,
  );
}

export type CommandPlugin = "official" | "drop-in";

/** Pulumi as this clone uses it: engine, backend, passphrase, plug-ins; and one stack. */
export class Workspace {
  readonly engine: Engine;
  readonly stack: string;
  readonly env: NodeJS.ProcessEnv;
  readonly commandPlugin: CommandPlugin;

  private constructor(
    engine: Engine,
    stack: string,
    env: NodeJS.ProcessEnv,
    commandPlugin: CommandPlugin,
  ) {
    this.engine = engine;
    this.stack = stack;
    this.env = env;
    this.commandPlugin = commandPlugin;
  }

  static async open(stack: string, say: (line: string) => void): Promise<Workspace> {
    checkStackName(stack);
    const engine = await ensureEngine(say);
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      ...ownEnvironment(),
      PATH: `${engine.folder}:${process.env.PATH ?? ""}`,
    };
    const plugin = ensureCommandPlugin(engine, env, say);
    return new Workspace(engine, stack, env, plugin);
  }

  /** The stack's folder: disks, sockets, console. */
  get runFolder(): string {
    return runFolder(PROJECT, this.stack);
  }

  /** Variables that a shell needs to use the same engine, backend and passphrase. */
  exports(): Record<string, string> {
    const names = ["PATH", ...Object.keys(ownEnvironment())];
    return Object.fromEntries(names.map((name) => [name, this.env[name] ?? ""]));
  }

  run(...args: string[]): Output {
    return capture("pulumi", [...GLOBAL, ...args], this.env);
  }

  must(...args: string[]): string {
    return must("pulumi", [...GLOBAL, ...args], this.env);
  }

  /** Runs pulumi on this terminal. */
  attached(...args: string[]): Promise<number> {
    return attached("pulumi", [...args, "--cwd", PROJECT], this.env);
  }

  exists(): boolean {
    const stacks = JSON.parse(this.must("stack", "ls", "--json")) as { name: string }[];
    return stacks.some(({ name }) => name === this.stack);
  }

  selectOrCreate(): void {
    const first = this.run("stack", "select", "--create", this.stack);
    if (first.code === 0) return;
    const file = join(PROJECT, `Pulumi.${this.stack}.yaml`);
    if (!first.stderr.includes("incorrect passphrase") || !existsSync(file) || this.exists()) {
      throw new UserError(`stack ${this.stack} cannot be selected: ${first.stderr.trim()}`);
    }
    // Settings of a stack whose state is gone. Nothing in them is encrypted, so the old passphrase's salt is all that
    // has to go.
    writeFileSync(file, readFileSync(file, "utf8").replace(/^encryptionsalt:.*\n/m, ""));
    this.must("stack", "select", "--create", this.stack);
  }

  /** Configuration as `pulumi.runtime.allConfig()` would give it. */
  config(): Record<string, string> {
    const { code, stdout } = this.run("config", "--json", "--stack", this.stack);
    if (code !== 0) return {};
    const entries = Object.entries(
      JSON.parse(stdout) as Record<string, { value?: string; objectValue?: unknown }>,
    );
    return Object.fromEntries(
      entries.map(([key, { value, objectValue }]) => [
        key,
        objectValue === undefined ? (value ?? "") : JSON.stringify(objectValue),
      ]),
    );
  }

  /** Outputs of the stack; empty if it was never up. */
  outputs(): Record<string, unknown> {
    const { code, stdout } = this.run("stack", "output", "--json", "--stack", this.stack);
    return code === 0 ? (JSON.parse(stdout) as Record<string, unknown>) : {};
  }
}

/** Backend, passphrase and plug-in folder of this clone; what the user has set already is left alone. */
function ownEnvironment(): Record<string, string> {
  const state = cloneStateFolder(PROJECT);
  const backend = join(state, "backend");
  mkdirSync(backend, { recursive: true, mode: 0o700 });
  chmodSync(state, 0o700);
  const own: Record<string, string> = { PULUMI_SKIP_UPDATE_CHECK: "true" };
  if (process.env.PULUMI_BACKEND_URL === undefined) own.PULUMI_BACKEND_URL = `file://${backend}`;
  if (
    process.env.PULUMI_CONFIG_PASSPHRASE === undefined &&
    process.env.PULUMI_CONFIG_PASSPHRASE_FILE === undefined
  ) {
    const passphrase = join(state, "passphrase");
    if (!existsSync(passphrase))
      writeFileSync(passphrase, randomBytes(24).toString("base64url"), { mode: 0o600, flag: "wx" });
    own.PULUMI_CONFIG_PASSPHRASE_FILE = passphrase;
  }
  if (process.env.PULUMI_HOME === undefined) own.PULUMI_HOME = join(state, "pulumi-home");
  return own;
}

/** The official `command` plugin where it can be had, else the project's drop-in in this clone's plug-in folder. */
function ensureCommandPlugin(
  engine: Engine,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): CommandPlugin {
  const plugins = join(env.PULUMI_HOME ?? "", "plugins");
  const folder = join(plugins, `resource-command-v${COMMAND_VERSION}`);
  const binary = join(folder, "pulumi-resource-command");
  const marker = join(folder, "drop-in");
  if (existsSync(binary)) return existsSync(marker) ? "drop-in" : "official";
  // One attempt with a deadline; a machine behind package registries only gets no answer at all.
  const official = capture(
    join(engine.folder, "pulumi"),
    ["plugin", "install", "resource", "command", COMMAND_VERSION],
    env,
    30_000,
  );
  if (official.code === 0 && existsSync(binary)) return "official";
  say(
    "The official command plugin cannot be downloaded here; the project's drop-in serves instead",
  );
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(PROJECT, "provider/command/pulumi-resource-command"), binary);
  writeFileSync(
    marker,
    "stands in for the official plugin; remove this folder to try that one again\n",
  );
  return "drop-in";
}
