import { spawn, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { UserError } from "./userError.ts";

export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

/** A path as the user means it: npm runs us in the project's folder and says in INIT_CWD where the user is. */
export function fromUser(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}

/** Runs a program to its end and keeps what it prints. A program that is not there gives code 127. */
export function capture(
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  timeoutMs = 600_000,
): Output {
  const result = spawnSync(program, args, {
    env,
    encoding: "utf8",
    timeout: timeoutMs,
    maxBuffer: 256 * 1024 * 1024,
  });
  if (result.error !== undefined) {
    const missing = (result.error as NodeJS.ErrnoException).code === "ENOENT";
    return { code: missing ? 127 : 126, stdout: "", stderr: result.error.message };
  }
  return { code: result.status ?? 128, stdout: result.stdout, stderr: result.stderr };
}

/** As {@link capture}, with any failure an error. */
export function must(
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): string {
  const { code, stdout, stderr } = capture(program, args, env);
  if (code !== 0)
    throw new UserError(
      `${program} ${args.join(" ")} failed with code ${code}:\n${stderr.trim() || stdout.trim()}`,
    );
  return stdout;
}

/** How long what a program has written last may take to come, ms; a child of it may hold its standard error open. */
const LAST_WORDS = 500;

/**
 * Runs a program on this terminal. Ctrl-C reaches it and us alike; it decides when to end, we report how it did.
 *
 * @param hear is told its standard error, too, which is shown by way of us then
 */
export function attached(
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  hear?: (text: string) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const stderr = hear === undefined ? "inherit" : "pipe";
    const child = spawn(program, args, { env, stdio: ["inherit", "inherit", stderr] });
    child.stderr?.on("data", (chunk: Buffer) => {
      process.stderr.write(chunk);
      hear?.(chunk.toString());
    });
    const ignore = () => undefined;
    process.on("SIGINT", ignore);
    const pass = () => child.kill("SIGTERM");
    process.on("SIGTERM", pass);
    const done = () => {
      process.removeListener("SIGINT", ignore);
      process.removeListener("SIGTERM", pass);
      child.stderr?.destroy();
    };
    child.once("error", (error) => {
      done();
      reject(error);
    });
    child.once("exit", (code, signal) => {
      const end = () => {
        clearTimeout(timer);
        done();
        resolve(code ?? (signal === "SIGINT" ? 130 : 128));
      };
      const timer = setTimeout(end, hear === undefined ? 0 : LAST_WORDS);
      child.once("close", end);
    });
  });
}
