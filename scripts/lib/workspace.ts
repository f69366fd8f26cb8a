import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runFolder } from "../../provider/host/folders.ts";
import { shown, type Backend } from "./backend.ts";
import { ensureEngine, type Engine } from "./engine.ts";
import { ownEnvironment } from "./environment.ts";
import { attached, capture, must, type Output } from "./process.ts";
import { PROJECT } from "./project.ts";
import { UserError } from "./userError.ts";

export { ARTIFACTS, DEFAULT_STACK, PROJECT, PROJECT_NAME } from "./project.ts";

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
  readonly backend: Backend;
  readonly commandPlugin: CommandPlugin;
  readonly #own: Record<string, string>;

  private constructor(
    engine: Engine,
    stack: string,
    { variables, backend }: ReturnType<typeof ownEnvironment>,
    say: (line: string) => void,
  ) {
    this.engine = engine;
    this.stack = stack;
    this.backend = backend;
    this.#own = variables;
    this.env = {
      ...process.env,
      ...variables,
      PATH: `${engine.folder}:${process.env.PATH ?? ""}`,
    };
    this.commandPlugin = ensureCommandPlugin(engine, this.env, say);
  }

  static async open(stack: string, say: (line: string) => void): Promise<Workspace> {
    checkStackName(stack);
    const engine = await ensureEngine(say);
    const own = ownEnvironment();
    const { url, chosenBy, passedOver } = own.backend;
    if (chosenBy !== "default") say(`The stacks' state is kept in ${shown(url)} (${chosenBy})`);
    if (passedOver !== undefined)
      say(
        `This clone's stacks stay in its own backend, although pulumi is logged in to ${shown(passedOver)}; PULUMI_BACKEND_URL chooses another one`,
      );
    return new Workspace(engine, stack, own, say);
  }

  /** The stack's folder: disks, sockets, console. */
  get runFolder(): string {
    return runFolder(PROJECT, this.stack);
  }

  /** Variables that a shell needs to use the same engine, backend and passphrase. */
  exports(): Record<string, string> {
    const names = ["PATH", ...Object.keys(this.#own)];
    return Object.fromEntries(names.map((name) => [name, this.env[name] ?? ""]));
  }

  run(...args: string[]): Output {
    return capture("pulumi", [...GLOBAL, ...args], this.env);
  }

  must(...args: string[]): string {
    return must("pulumi", [...GLOBAL, ...args], this.env);
  }

  /** Runs pulumi on this terminal; `hear` is told what it says of errors. */
  attached(args: string[], hear?: (text: string) => void): Promise<number> {
    return attached("pulumi", [...args, "--cwd", PROJECT], this.env, hear);
  }

  exists(): boolean {
    const stacks = JSON.parse(this.must("stack", "ls", "--json")) as { name: string }[];
    return stacks.some(({ name }) => name === this.stack);
  }

  selectOrCreate(): void {
    const file = join(PROJECT, `Pulumi.${this.stack}.yaml`);
    // Another clone may have made it, and its settings are in that clone's file and in the backend.
    const elsewhere = this.backend.chosenBy !== "default" && !existsSync(file) && this.exists();
    const first = this.run("stack", "select", "--create", this.stack);
    if (first.code === 0) {
      // It fails for a stack that was never up, which has no settings to be had.
      if (elsewhere) this.run("config", "refresh", "--force", "--stack", this.stack);
      return;
    }
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
