import { MIB } from "../format.ts";
import { listOf, WHOLE_PROFILE, type Selection } from "../selection.ts";
import { sizeOf } from "../sizeWords.ts";
import { WORKLOADS, type Workload } from "./plan.ts";

/** Members of the settings that choose a workload's sizes. */
export const SIZE_MEMBERS = {
  matmul: "gpuProducts",
  stencil: "gpuStencils",
  transfer: "gpuTransfers",
} as const satisfies Record<Workload, keyof Selection>;

/** gpu-bench's own bounds: benchmarks/gpu-bench/gpu_bench.h. */
const MAX_SIDE = 16_384;
const MAX_TRANSFER = 1024 * MIB;
const MAX_SIZES = 64;

const ALLOWED: Record<Workload, string> = {
  matmul: `sides of matrices from 1 to ${MAX_SIDE} such as 64,512`,
  stencil: `sides of matrices from 1 to ${MAX_SIDE} such as 64,512`,
  transfer: "sizes from 1 to 1024MiB such as 4KiB,1MiB",
};

function sideOf(word: string): number | undefined {
  const side = /^[1-9]\d{0,4}$/.test(word) ? Number(word) : Infinity;
  return side <= MAX_SIDE ? side : undefined;
}

const numberOf = (workload: Workload, word: string): number | undefined =>
  workload === "transfer" ? sizeOf(word, MAX_TRANSFER) : sideOf(word);

/** Sizes of one workload: sides of matrices, or bytes; or what is wrong with them. */
function parseSizes(workload: Workload, text: string): number[] | string {
  const words = listOf(text);
  const wrong = words.filter((word) => numberOf(workload, word) === undefined);
  if (wrong.length > 0 || words.length === 0)
    return `${wrong.length === 0 ? "nothing" : wrong.map((word) => JSON.stringify(word)).join(", ")} is no size of it; allowed is profile, or ${ALLOWED[workload]}`;
  const sizes = words.map((word) => numberOf(workload, word) ?? 0);
  const different = [...new Set(sizes)];
  return different.length > MAX_SIZES ? `more than ${MAX_SIZES} sizes` : different;
}

/** What was chosen in place of a profile's sizes, and sentences about what makes no sense. */
export function chosenSizes(selection: Selection): {
  sizes: Partial<Record<Workload, readonly number[]>>;
  problems: { member: keyof Selection; problem: string }[];
} {
  const sizes: Partial<Record<Workload, readonly number[]>> = {};
  const problems: { member: keyof Selection; problem: string }[] = [];
  for (const workload of WORKLOADS) {
    const member = SIZE_MEMBERS[workload];
    if (selection[member].trim() === WHOLE_PROFILE[member]) continue;
    const found = parseSizes(workload, selection[member]);
    if (typeof found === "string") problems.push({ member, problem: found });
    else sizes[workload] = found;
  }
  return { sizes, problems };
}
