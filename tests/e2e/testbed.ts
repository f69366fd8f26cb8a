import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { build, type Entry } from "../../provider/build/cache.ts";
import { sourceDigest } from "../../provider/build/key.ts";
import { sourcesOf } from "../../provider/build/sources.ts";
import { consoleTail } from "../../provider/host/console.ts";
import { sshConfigPath } from "../../provider/ssh/clientConfig.ts";
import { makeClone, type Clone } from "./clone.ts";
import { start, type Finished, type Running } from "./run.ts";

/** Exported state of a stack, as far as the tests look at it. */
export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/** A testbed under test: a clone of the project, its commands, and what they leave. */
export class Testbed {
  readonly clone: Clone;
  readonly stack: string;
  /** What the project's scripts have printed so far. */
  readonly said: string[] = [];
  #pulumiEnv: NodeJS.ProcessEnv | undefined;

  constructor(stack = "e2e", clone: Clone = makeClone()) {
    this.stack = stack;
    this.clone = clone;
  }

  get project(): string {
    return this.clone.project;
  }

  /** The folder of the stack's machine; undefined before there is one. */
  get runFolder(): string | undefined {
    const state = join(this.clone.env.XDG_STATE_HOME ?? "", "v4v-testbed");
    if (!existsSync(state)) return undefined;
    const found = readdirSync(state)
      .map((clone) => join(state, clone, "stacks", this.stack))
      .filter(existsSync);
    return found[0];
  }

  start(script: string, args: string[], timeoutS: number): Running {
    return start(join(this.project, script), args, {
      cwd: this.project,
      env: this.clone.env,
      timeoutS,
    });
  }

  /** Runs one of the project's scripts to its end. */
  async script(script: string, args: string[], timeoutS: number): Promise<Finished> {
    const finished = await this.start(script, args, timeoutS).finished;
    this.said.push(finished.output);
    return finished;
  }

  up(args: string[], timeoutS = 1200): Promise<Finished> {
    return this.script("scripts/up", ["--stack", this.stack, ...args], timeoutS);
  }

  destroy(timeoutS = 300): Promise<Finished> {
    return this.script("scripts/run", ["destroy", "--stack", this.stack], timeoutS);
  }

  /** Plain pulumi, as somebody with a CLI of his own would call it. */
  async pulumi(args: string[], timeoutS = 600, cwd = this.project): Promise<Finished> {
    this.#pulumiEnv ??= await this.environment();
    return start("pulumi", args, { cwd, env: this.#pulumiEnv, timeoutS }).finished;
  }

  /** Sets a secret of a stack; on standard input, which no process list shows. */
  async setSecret(name: string, value: string, stack: string, cwd: string): Promise<void> {
    this.#pulumiEnv ??= await this.environment();
    const args = ["config", "set", "--stack", stack, "--secret", name];
    // The engine takes one newline off the end.
    const input = `${value}\n`;
    execFileSync("pulumi", args, { cwd, env: this.#pulumiEnv, input, timeout: 60_000 });
  }

  async environment(): Promise<NodeJS.ProcessEnv> {
    const { code, output } = await this.script("scripts/run", ["env"], 900);
    if (code !== 0) throw new Error(output);
    const env = { ...this.clone.env };
    for (const [, name, quoted, plain] of output.matchAll(
      /^export ([A-Z_]+)=(?:'([^']*)'|(.*))$/gm,
    )) {
      if (name !== undefined) env[name] = quoted ?? plain;
    }
    return env;
  }

  async resources(): Promise<StateResource[]> {
    const { code, output } = await this.pulumi(["stack", "export", "--stack", this.stack]);
    if (code !== 0) throw new Error(output);
    // Warnings may stand before it: SDKs of object storages have some.
    const text = output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1);
    const state = JSON.parse(text) as { deployment: { resources?: StateResource[] } };
    return state.deployment.resources ?? [];
  }

  /** Runs a shell script in dom0 or a domU by way of `npm run ssh`; its output, an error for another exit code than 0. */
  async on(name: string, script: string, timeoutS = 120): Promise<string> {
    const { code, output } = await this.script(
      "scripts/run",
      ["ssh", "--stack", this.stack, name, script],
      timeoutS,
    );
    if (code !== 0) throw new Error(`on ${name}: ${script}\nexit code ${code}\n${output}`);
    return output.trim();
  }

  /** The same for a test of many small steps, whose logins are shared: ControlMaster of ssh_config(5). */
  async step(name: string, script: string, timeoutS = 120): Promise<string> {
    const { code, output } = await this.#ssh(["-o", "ControlPersist=600", name, script], timeoutS);
    if (code !== 0) throw new Error(`on ${name}: ${script}\nexit code ${code}\n${output}`);
    return output.trim();
  }

  /** Ends the login that steps share: the machine is about to go, or gone. */
  async logOut(name: string): Promise<void> {
    await this.#ssh(["-O", "exit", name], 30);
  }

  #ssh(args: string[], timeoutS: number): Promise<Finished> {
    const shared = join(dirname(this.project), "ssh-%n");
    return start(
      "ssh",
      [
        ...["-F", sshConfigPath(this.runFolder ?? "")],
        ...["-o", "ControlMaster=auto", "-o", `ControlPath=${shared}`, ...args],
      ],
      { cwd: this.project, env: this.clone.env, timeoutS },
    ).finished;
  }

  /** Puts a program of the controller into dom0 or a domU. */
  copy(name: string, from: string, to: string): void {
    const config = sshConfigPath(this.runFolder ?? "");
    execFileSync("ssh", ["-F", config, name, `cat >${to} && chmod 755 ${to}`], {
      input: readFileSync(from),
      timeout: 120_000,
    });
  }

  /** Builds a recipe of the tests on what this stack was built with: index, build root, and further builds. */
  async build(
    name: string,
    {
      dependencies: further = [],
      timeoutS = 600,
    }: { dependencies?: string[]; timeoutS?: number } = {},
  ): Promise<Entry> {
    const resources = await this.resources();
    const pathOf = (recipe: string): string => {
      const found = resources.find(
        ({ type, outputs }) =>
          type === "v4v:index:Build" && String(outputs?.key).startsWith(`${recipe}-`),
      );
      if (found === undefined) throw new Error(`the stack has no build of ${recipe}`);
      return String(found.outputs?.path);
    };
    const dependencies = Object.fromEntries(
      ["index", "buildroot", ...further].map((on) => [on.replaceAll("-", "_"), pathOf(on)]),
    );
    const recipe = { name, parameters: {}, sources: sourcesOf(name), dependencies };
    const digest = sourceDigest(this.project, recipe);
    return build(
      this.project,
      recipe,
      digest,
      AbortSignal.timeout(timeoutS * 1000),
      () => undefined,
    );
  }

  /** Of the domain that has this name now. */
  async domidOf(name: string): Promise<number> {
    return Number(await this.on("host", `xl domid ${name}`));
  }

  async cidOf(name: string): Promise<number> {
    return (await this.domidOf(name)) + 2;
  }

  bootId(name: string): Promise<string> {
    return this.on(name, "cat /proc/sys/kernel/random/boot_id");
  }

  /** Process numbers of the stack's QEMU. */
  machines(): number[] {
    const folder = this.runFolder;
    const ledger = folder === undefined ? "" : join(folder, "ledger.jsonl");
    if (!existsSync(ledger)) return [];
    const markers = new Set(
      [...readFileSync(ledger, "utf8").matchAll(/"marker":"([^"]+)"/g)].map(
        ([, marker]) => marker ?? "",
      ),
    );
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
          return (
            line.startsWith("qemu-system") && [...markers].some((marker) => line.includes(marker))
          );
        } catch {
          return false;
        }
      })
      .map(Number);
  }

  /** For a failed test: the end of the machine's console. */
  consoleEnd(): string {
    const folder = this.runFolder;
    return folder === undefined ? "(no machine)" : consoleTail(join(folder, "console.log"), 250);
  }
}
