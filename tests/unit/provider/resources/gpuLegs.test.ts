import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { GPU_DRIVE, runGpuLegs } from "../../../../provider/resources/gpuLegs.ts";
import { HARDENING } from "../../../../provider/resources/hardening.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { Remote } from "../../../../provider/ssh/remote.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const PLAN = "leg 1 0 native matmul gpu - - a\nleg 2 0 native stencil gpu - - b\n";

/** A dom0 whose unit does `work` in the run's folder, in the background. */
async function run(work: string, state = "inactive") {
  const programs = standIns(folder("bin"), {
    systemctl: `[ "$1" != show ] || echo ${state}`,
    "systemd-run": `echo "$*" >>'${folder("started")}'; (${work}) >/dev/null 2>&1 &`,
  });
  const { connection } = await farSide({ programs });
  mkdirSync(folder("home"));
  mkdirSync(folder("far"), { recursive: true });
  writeFileSync(folder("started"), "");
  const context = recordedContext();
  const remote = new Remote({ ...connection }, context.signal);
  const lines: string[] = [];
  const { log, status } = await runGpuLegs(context, remote, {
    folder: folder("far"),
    directory: folder("home"),
    plan: PLAN,
    unit: "v4v-gpu-x.service",
    everySeconds: 0.05,
    noted: (line) => {
      lines.push(line);
      return Promise.resolve();
    },
  });
  expect(status).toBe("exited 0");
  expect(lines).toEqual(context.statuses.filter((line) => line.includes("legs")));
  return { log, statuses: context.statuses, started: readFileSync(folder("started"), "utf8") };
}

test("the legs are run by a unit, and their samples come home as they appear", async () => {
  const leg = (number: number) => `{"type":"leg-end","leg":${number}}\n`;
  const write = (number: number) => `printf '%s\\n' '${leg(number).trim()}' >>gpu.jsonl`;
  // The second leg is there when the first was seen.
  const { log, statuses, started } = await run(
    `${write(1)}; until grep -q . '${folder("home")}/gpu.jsonl'; do sleep 0.01; done; ${write(2)}; echo words >gpu-log; echo exited 0 >gpu-status`,
  );
  expect(started).toContain("--unit=v4v-gpu-x.service");
  // It may write into the run's folder, and little else.
  for (const property of [`ReadWritePaths=${folder("far")}`, ...HARDENING])
    expect(started).toContain(` -p ${property} `);
  expect(started).toMatch(new RegExp(`${GPU_DRIVE} gpu-plan gpu.jsonl\n$`));
  expect(readFileSync(folder("far/gpu-plan"), "utf8")).toBe(PLAN);
  expect(readFileSync(folder("home/gpu.jsonl"), "utf8")).toBe(leg(1) + leg(2));
  expect(statuses).toContain("1 of 2 legs of the GPU's measured");
  expect(statuses.at(-1)).toBe("2 of 2 legs of the GPU's measured");
  expect(log).toBe("words\n");
});

test("legs that run already are looked at, not started again", async () => {
  mkdirSync(folder("far"), { recursive: true });
  writeFileSync(folder("far/gpu-status"), "exited 0\n");
  writeFileSync(folder("far/gpu.jsonl"), "x\n");
  const { started, log } = await run("exit 1", "active");
  expect(started).toBe("");
  expect(log).toBe("");
  expect(readFileSync(folder("home/gpu.jsonl"), "utf8")).toBe("x\n");
});
