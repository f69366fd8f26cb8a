import { formatSize, MIB } from "../evaluation/format.ts";
import { gpuPointsOf, WORKLOADS, type Workload } from "../evaluation/gpu/plan.ts";
import { chosenSizes, SIZE_MEMBERS } from "../evaluation/gpu/sizes.ts";
import { WHOLE_PROFILE } from "../evaluation/selection.ts";
import { gpuDevice } from "./gpu.ts";
import type { Settings } from "./types.ts";

/**
 * What a domU has no use of for a workload's own bytes, MiB, estimated: kernel (of 192 MiB its network counted 132 as pages) and
 * services, the client's libraries (4) and the buffers of its sockets (seen 16); in the GPU domU a compiler of kernels, too.
 */
const SYSTEM_MIB = { domU: 96, gpu: 256 };

/** gpu-bench takes each transfer's bytes from another place of its source: benchmarks/gpu-bench/measure_transfer.c. */
const SOURCE_BEYOND = 72 * 1024;

const FLOAT = 4;
const DOUBLE = 8;

/** Bytes that gpu-bench allocates: matrices and their reference (problem.c), or source and target of transfers. */
const atHost = (workload: Workload, size: number): number =>
  workload === "transfer" ? 2 * size + SOURCE_BEYOND : size ** 2 * (3 * FLOAT + 3 * DOUBLE);

/** Bytes on the device, which is the GPU domU's memory where the CPU computes. */
const atDevice = (workload: Workload, size: number): number =>
  workload === "transfer" ? size : size ** 2 * 3 * FLOAT;

interface Domain {
  name: string;
  setting: string;
  memoryMiB: number;
  systemMiB: number;
  needed: (workload: Workload, size: number) => number;
}

/** Who needs the memory: the GPU domU, which computes for itself, too, and the first of its clients. */
const domains = ({ gpu, domU, remoteGpu }: Settings): Domain[] => [
  {
    name: "the GPU domU",
    setting: "gpu.memoryMiB",
    memoryMiB: gpu.memoryMiB,
    systemMiB: SYSTEM_MIB.gpu,
    needed: (workload, size) => atHost(workload, size) + atDevice(workload, size),
  },
  ...(remoteGpu.enabled
    ? [
        {
          name: "a client's domU",
          setting: "domU.memoryMiB",
          memoryMiB: domU.memoryMiB,
          systemMiB: SYSTEM_MIB.domU,
          needed: atHost,
        },
      ]
    : []),
];

const inWords = (workload: Workload, size: number): string =>
  workload === "transfer"
    ? `a transfer of ${formatSize(size)}`
    : `${workload === "matmul" ? "a product" : "a stencil"} of ${size} x ${size}`;

/** The largest size that fits; needs grow with it. */
function largest(workload: Workload, fits: (size: number) => boolean): number {
  let [low, high] = [0, workload === "transfer" ? 2 ** 31 : 2 ** 15];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** What a domain lacks, as a clause; undefined where it lacks nothing. */
function lacking(workload: Workload, size: number, domain: Domain): string | undefined {
  const { name, setting, memoryMiB, systemMiB, needed } = domain;
  const free = (memoryMiB - systemMiB) * MIB;
  const bytes = needed(workload, size);
  if (bytes <= free) return undefined;
  const most = largest(workload, (one) => needed(workload, one) <= free);
  const advice = most > 0 ? `; the largest there is ${inWords(workload, most)}` : "";
  const mib = Math.ceil(bytes / MIB);
  return (
    `${mib} MiB in ${name}, which has about ${memoryMiB - systemMiB} MiB of its ${memoryMiB} for it${advice} ` +
    `(choose smaller ones, or raise ${setting} to ${mib + systemMiB})`
  );
}

/** Sizes of the GPU's workloads that are none, or that no memory is there for: said before anything is made. */
export function gpuSizeProblems(settings: Settings): string[] {
  const { evaluation } = settings;
  const { sizes, problems } = chosenSizes(evaluation);
  const said = problems.map(({ member, problem }) => `evaluation.${member}: ${problem}`);
  const points = gpuPointsOf(evaluation.profile);
  const measured =
    gpuDevice(settings) !== undefined &&
    evaluation.experiments.trim() === WHOLE_PROFILE.experiments;
  if (points === undefined || !measured) return said;
  const large = WORKLOADS.flatMap((workload) => {
    const chosen = sizes[workload];
    const whose = chosen === undefined ? `, which profile ${evaluation.profile} has,` : "";
    const most = Math.max(...(chosen ?? points.sizes[workload]));
    const clauses = domains(settings).flatMap((domain) => lacking(workload, most, domain) ?? []);
    if (clauses.length === 0) return [];
    const head = `evaluation.${SIZE_MEMBERS[workload]}: ${inWords(workload, most)}${whose} needs`;
    return [`${head} ${clauses.join(", and ")}`];
  });
  return [...said, ...large];
}
