import { domUsOn } from "../../config/spread.ts";
import type { Settings } from "../../config/types.ts";
import { columns } from "../../evaluation/columns.ts";
import { estimate } from "../../evaluation/estimate.ts";
import { durationText, ESTIMATE_NOTE, stepsText, timeText } from "../../evaluation/estimateText.ts";
import { counted } from "../../evaluation/format.ts";
import { gpuLegs, type GpuRoute } from "../../evaluation/gpu/plan.ts";
import { selectGpu } from "../../evaluation/gpu/selection.ts";
import { PROFILES, profileNamed, type Profile } from "../../evaluation/profiles.ts";
import { selectionWords, specialise } from "../../evaluation/selection.ts";
import { needsV4v, type Transport } from "../../evaluation/transports.ts";

const isName = (column: number): boolean => column === 0;

/** How long a leg took on average in run 20261129T135914Z-quick-c830cb (TCG, the CPU computed), s. */
const GPU_LEG_S = 21;

/** What becomes of the GPU, if the settings ask for one. */
function gpuLine(
  { gpu, remoteGpu, v4v, evaluation }: Settings,
  domUs: readonly string[],
): string[] {
  if (gpu.device === "none" || (gpu.device === "auto" && !remoteGpu.enabled)) return [];
  const remote: Transport[] = v4v.enabled ? ["tcp", "v4v-sockets"] : ["tcp"];
  const server = { unit: "", port: 0 };
  const routes: GpuRoute[] = [
    { transport: "native", host: "", prefix: "" },
    ...(remoteGpu.enabled
      ? remote.map((transport): GpuRoute => ({
          ...{ transport, host: "", prefix: "", server },
          socket: { ...server, address: "" },
        }))
      : []),
  ];
  const chosen = selectGpu(evaluation.profile, routes, evaluation);
  if (chosen === undefined) return [];
  const legs = gpuLegs(chosen.points, chosen.routes, domUs, evaluation.seed).length;
  return [
    `The GPU domU's ${counted(legs, "leg")} are not in these times: about ${durationText(legs * GPU_LEG_S)} more at ${GPU_LEG_S} s each, ` +
      "as those of profile quick took where the CPU computed.",
  ];
}

/** The profile's transports, without V4V where the testbed has none. */
const transportsOf = ({ transports }: Profile, { v4v }: Settings): Transport[] =>
  transports.filter((transport) => v4v.enabled || !needsV4v(transport));

/** What these settings would measure, and about how long that takes: every profile, and what is chosen. */
export function dryRun(settings: Settings): string {
  const { evaluation } = settings;
  const domUs = domUsOn(0, settings).map((number) => `domu${number}`);
  const of = (profile: Profile) => estimate(profile, transportsOf(profile, settings), domUs.length);
  const lines = [
    `Profiles, with ${domUs.length} domUs:`,
    ...columns(
      [
        ["profile", "repetitions", "steps", "time"],
        ...PROFILES.map((profile) => {
          const { repetitions, further } = profile;
          const all = further === undefined ? "" : ` to ${further.most}`;
          const found = of(profile);
          return [profile.name, `${repetitions}${all}`, stepsText(found), timeText(found)];
        }),
      ],
      isName,
    ),
    "",
  ];
  const profile = profileNamed(evaluation.profile);
  if (profile === null) {
    return [...lines, "evaluation.profile is none: nothing would be measured."].join("\n");
  }
  const found = of(specialise(profile, evaluation, domUs.length));
  const words = selectionWords(evaluation);
  const late = found.mostSeconds > evaluation.timeout;
  return [
    ...lines,
    `Chosen: profile ${profile.name}${words.length > 0 ? ` (${words.join("; ")})` : ""}:`,
    ...columns(
      [
        ["experiment", "steps", "time"],
        ...found.parts.map(({ experiment, steps, seconds }) => [
          experiment,
          String(steps),
          durationText(seconds),
        ]),
        ["all, with the start", stepsText(found), timeText(found)],
      ],
      isName,
    ),
    ...(found.mostSteps > found.steps
      ? [
          "An experiment's line has its first repetitions; further ones are made until its intervals are narrow or the time is over.",
        ]
      : []),
    ...gpuLine(settings, domUs),
    ...(late
      ? [
          `evaluation.timeout is ${evaluation.timeout} s, which may be too short: --evaluation-timeout ${Math.ceil(found.mostSeconds / 60) * 60 + 300}.`,
        ]
      : []),
    ESTIMATE_NOTE,
    "Nothing was started, and nothing is kept.",
  ].join("\n");
}
