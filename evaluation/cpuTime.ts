import { isProgram, type Sample } from "./sampleSchema.ts";

/** What a step cost, from the hypervisor's own accounts of every domain. */
export interface CpuCost {
  /** CPU time of all domains, dom0 included, per 1000 bytes of payload, us. */
  perKb: number;
  /** Share of one CPU that dom0 used over the window, percent. */
  dom0: number;
}

/** Payload that a pair moved in its timed window, bytes: both ways for round trips, received for a stream. */
function payload(sample: Sample): number {
  if (!sample.ok) return 0;
  if (isProgram(sample)) return sample.payload_bytes;
  if (sample.kind === "connect") return 2 * sample.size_bytes * sample.setup_ns.length;
  return sample.kind === "pingpong" ? 2 * sample.size_bytes * sample.rtt_ns.length : sample.bytes;
}

/**
 * The cost of a step from all its pairs' samples; the first holds the CPU times. A reason in words where there are
 * none. Idle and spinning both count as what the hypervisor says: a vCPU that spins is running.
 */
export function cpuCost(step: readonly Sample[]): CpuCost | string {
  const [first] = step;
  if (first?.cpu_ns === undefined || first.cpu_window_ns === undefined) {
    return first?.cpu_error ?? "no CPU times were recorded";
  }
  const dom0 = first.cpu_ns["0"];
  if (dom0 === undefined) return "the CPU times are without dom0's";
  const total = Object.values(first.cpu_ns).reduce((sum, ns) => sum + ns, 0);
  const bytes = step.reduce((sum, sample) => sum + payload(sample), 0);
  // ns per byte are us per 1000 bytes.
  return { perKb: total / bytes, dom0: (100 * dom0) / first.cpu_window_ns };
}
