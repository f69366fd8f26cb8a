import { rmSync } from "node:fs";
import { join } from "node:path";
import { GPU_SAMPLES } from "../../evaluation/runFiles.ts";
import type { Context } from "../resource.ts";
import type { Remote } from "../ssh/remote.ts";
import { pause } from "../ssh/wait.ts";
import { bringNews } from "./news.ts";
import { startUnit } from "./transientUnit.ts";

export interface GpuRun {
  /** The run's folder in dom0, and the one on the controller. */
  folder: string;
  directory: string;
  /** Text for dom0/gpu-drive. */
  plan: string;
  /** systemd unit to run it in. */
  unit: string;
  /** Between looks at it, s: each one costs dom0 a little of the CPU that is being measured. */
  everySeconds?: number;
  /** Is told how far it is, at each look. */
  noted?: (line: string) => Promise<void>;
}

/** Where dom0 has dom0/gpu-drive. */
export const GPU_DRIVE = "/usr/local/lib/v4v-testbed/gpu-drive";

/** Of its files in the run's folder. */
const PREFIX = "gpu-";

const START = startUnit(PREFIX, `"$@" gpu-plan ${GPU_SAMPLES}`);

/**
 * Runs the legs of a GPU's evaluation and brings their samples home as they appear.
 *
 * @returns what gpu-drive said, and how it ended
 */
export async function runGpuLegs(
  context: Context,
  remote: Remote,
  run: GpuRun,
): Promise<{ log: string; status: string }> {
  const { folder, directory, plan, unit, everySeconds = 10, noted } = run;
  const samples = join(directory, GPU_SAMPLES);
  // A driver that goes on may have cut its file.
  rmSync(samples, { force: true });
  await remote.write([{ path: `${folder}/gpu-plan`, content: plan, mode: 0o600 }]);
  await remote.run("starting the GPU's legs", START, folder, unit, GPU_DRIVE);
  const legs = plan.trim().split("\n").length;
  let done = 0;
  for (;;) {
    await pause(everySeconds * 1000, context.signal, "measuring the GPU");
    const { status, text } = await bringNews(remote, "looking at the GPU's legs", {
      folder,
      prefix: PREFIX,
      file: GPU_SAMPLES,
      copy: samples,
    });
    done = Math.max(
      done,
      ...[...text.matchAll(/"leg-end","leg":(\d+)/g)].map(([, n]) => Number(n)),
    );
    const line = `${done} of ${legs} legs of the GPU's measured`;
    context.status(line);
    await noted?.(line);
    if (status !== undefined)
      return { log: (await remote.readFile(`${folder}/gpu-log`)) ?? "", status };
  }
}
