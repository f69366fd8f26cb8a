import { spawn } from "node:child_process";

export interface Finished {
  code: number;
  /** stdout and stderr in the order in which they came. */
  output: string;
  seconds: number;
}

export interface Running {
  pid: number;
  /** What was printed so far. */
  output(): string;
  finished: Promise<Finished>;
}

/** Starts a program in a process group of its own; it is killed with its children after `timeoutS`. */
export function start(
  program: string,
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; timeoutS: number },
): Running {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const started = Date.now();
  let output = "";
  const keep = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const pid = child.pid ?? 0;
  const timer = setTimeout(() => {
    output += `\n[killed after ${options.timeoutS} s]\n`;
    process.kill(-pid, "SIGKILL");
  }, options.timeoutS * 1000);
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 128, output, seconds: (Date.now() - started) / 1000 });
    });
  });
  return { pid, output: () => output, finished };
}

/** Waits until a running program has printed something that matches, or `where` that it writes to shows it. */
export async function printed(
  running: Running,
  pattern: RegExp,
  timeoutS: number,
  where: () => string = () => running.output(),
): Promise<void> {
  const until = Date.now() + timeoutS * 1000;
  const over = running.finished.then(() => true);
  const isOver = () =>
    Promise.race([over, new Promise<boolean>((resolve) => setTimeout(resolve, 100, false))]);
  while (!pattern.test(where())) {
    if (await isOver())
      throw new Error(
        `it ended without printing ${String(pattern)}:\n${running.output().slice(-3000)}`,
      );
    if (Date.now() > until)
      throw new Error(
        `it did not print ${String(pattern)} within ${timeoutS} s:\n${running.output().slice(-3000)}`,
      );
  }
}
