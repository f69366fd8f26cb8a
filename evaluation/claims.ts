import { judgeRatio, type Measured, type Outcome, type Verdict } from "./judge.ts";
import { overheadAtLeast, overheadAtMost, sharingClaim, transferBoost } from "./gpu/claims.ts";
import { nonPeerCost } from "./nonPeerClaim.ts";
import { dropOrForward, noSharedPages, peerDiscovery } from "./path/claims.ts";
import {
  iperfOverTcp,
  iperfShare,
  noDriverDomain,
  redisOverTcp,
  setupCost,
  socketInterface,
} from "./programClaims.ts";
import {
  aggregate,
  aggregateRatio,
  cpuCostClaim,
  fairnessClaim,
  noDip,
  scalingBandwidth,
  scalingLatency,
  unixLatency,
  unixStream,
} from "./scalingClaims.ts";
import type { Summary } from "./summary.ts";

/**
 * A claim of the poster (A. Nanos, S. Gerangelos, I. Alifieraki and N. Koziris, "V4VSockets", poster), or one of the
 * ends that it leaves open.
 */
interface Claim {
  id: string;
  /** In the poster's sense, close to its words. */
  statement: string;
  /** The number it gives, null for a qualitative one. */
  paper: string | null;
  /** The experiment that measures it, as in results.csv; null where it is no matter of a measurement. */
  experiment: string | null;
  /** As in results.csv, or the counter that shows it. */
  metric: string | null;
  judge: (summary: Summary) => Outcome;
}

/** A claim with what a run says about it. */
export interface ClaimRow {
  id: string;
  statement: string;
  paper: string | null;
  experiment: string | null;
  metric: string | null;
  measured: Measured | null;
  verdict: Verdict;
  why: string;
  /** Accelerator stamp of the run. */
  stamp: string;
}

/** Round trips at 1 B fall by 81%. */
export const PAPER_LATENCY_RATIO = 0.19;

/** Bandwidth (MB/s) of "large messages (1 MB)", taken as 1 MiB. */
export const PAPER_BANDWIDTH = { sizeBytes: 1024 * 1024, tcp: 501, v4v: 2299 } as const;

/** How many times TCP's bandwidth V4V has at 1 MB: 4.59. */
export const PAPER_BANDWIDTH_RATIO = PAPER_BANDWIDTH.v4v / PAPER_BANDWIDTH.tcp;

const notYet = (why: string) => (): Outcome => ({
  measured: null,
  verdict: "not measured yet",
  why,
});

function latency(summary: Summary): Outcome {
  const place = { experiment: "latency", metric: "half_rtt", sizeBytes: 1, pairs: 1 } as const;
  return judgeRatio(summary, place, { kind: "at most", value: PAPER_LATENCY_RATIO });
}

function bandwidth(summary: Summary): Outcome {
  const place = {
    experiment: "bandwidth",
    metric: "bandwidth",
    sizeBytes: PAPER_BANDWIDTH.sizeBytes,
    pairs: 1,
  } as const;
  const outcome = judgeRatio(summary, place, { kind: "at least", value: PAPER_BANDWIDTH_RATIO });
  if (outcome.measured === null) return outcome;
  const how =
    "Judged by the ratio; MB/s depend on the machine and compare with the paper's only on like hardware.";
  return { ...outcome, why: `${outcome.why} ${how}` };
}

const claims: readonly Claim[] = [
  {
    id: "latency-small",
    statement:
      "Ping-pong: V4V improves latency for small messages by 81% (read as: half the round trip of 1 B takes 0.19 times as long as over TCP, or less).",
    paper: "−81% (ratio 0.19)",
    experiment: "latency",
    metric: "half_rtt",
    judge: latency,
  },
  {
    id: "bandwidth-large",
    statement:
      "Ping-pong: V4V achieves 2299 MB/s for large messages (1 MB; here 1 MiB) against TCP's 501 MB/s.",
    paper: "2299 vs 501 MB/s (ratio 4.59)",
    experiment: "bandwidth",
    metric: "bandwidth",
    judge: bandwidth,
  },
  {
    id: "scaling-latency",
    statement:
      "V4V scales efficiently with the number of VMs in terms of latency (read as: beside as many busy pairs as there can be, 1 B takes no longer than over TCP there).",
    paper: null,
    experiment: "neighbours",
    metric: "half_rtt",
    judge: scalingLatency,
  },
  {
    id: "scaling-bandwidth",
    statement:
      "V4V scales efficiently with the number of VMs in terms of bandwidth (read as: the most pairs together keep 95% of the best aggregate of fewer).",
    paper: null,
    experiment: "scaling",
    metric: "bandwidth",
    judge: scalingBandwidth,
  },
  {
    id: "aggregate",
    statement:
      "Aggregate throughput is about 17 GB/s for 512 KB messages when 16 VMs exchange data in pairs.",
    paper: "≈ 17 GB/s, 8 pairs, 512 KB",
    experiment: "scaling",
    metric: "bandwidth",
    judge: aggregate,
  },
  {
    id: "aggregate-ratio",
    statement:
      "Aim of this testbed: 8 pairs of 16 domUs move at least 4.6 times as much together as over TCP.",
    paper: null,
    experiment: "scaling",
    metric: "bandwidth",
    judge: aggregateRatio,
  },
  {
    id: "fairness",
    statement:
      "Aim of this testbed: the most pairs at the same time share the bandwidth evenly (Jain's index at least 0.95).",
    paper: null,
    experiment: "scaling",
    metric: "fairness",
    judge: fairnessClaim,
  },
  {
    id: "gpu-overhead-least",
    statement:
      "Matrix product by rCUDA over V4VSockets: minimum overhead of 15% over native (first reading: at least 15%; at the smallest size of which a native run copies for 20% of its time or less).",
    paper: "≥ +15%",
    experiment: "gpu-matmul",
    metric: "overhead",
    judge: overheadAtLeast,
  },
  {
    id: "gpu-overhead-most",
    statement:
      "Matrix product by rCUDA over V4VSockets: minimum overhead of 15% over native (second reading: at most 15%; at the same size).",
    paper: "≤ +15%",
    experiment: "gpu-matmul",
    metric: "overhead",
    judge: overheadAtMost,
  },
  {
    id: "gpu-transfer",
    statement:
      "rCUDA over V4VSockets boosts transfer throughput by 7, at best, compared with TCP/IP.",
    paper: "up to 7 times",
    experiment: "gpu-transfer",
    metric: "to_device, from_device",
    judge: transferBoost,
  },
  {
    id: "no-driver-domain",
    statement: "No intermediary VM (driver domain) is in the data path.",
    paper: null,
    experiment: "apps-iperf3",
    metric: "net_share",
    judge: noDriverDomain,
  },
  {
    id: "no-shared-pages",
    statement:
      "Data are copied from and to the VMs' kernel memory without the need to share pages between VMs.",
    paper: null,
    experiment: "path",
    metric: "grant table entries",
    judge: noSharedPages,
  },
  {
    id: "drop-or-forward",
    statement: "Data cross the hypervisor, which drops them or pushes them forward by V4V's rules.",
    paper: null,
    experiment: "path",
    metric: "rule counters",
    judge: dropOrForward,
  },
  {
    id: "socket-interface",
    statement: "V4VSockets is socket-compliant: applications keep the socket interface.",
    paper: null,
    experiment: "apps-redis-get",
    metric: "bytes by ring and by TCP",
    judge: socketInterface,
  },
  {
    id: "ease-of-use",
    statement: "Open in the poster: a more user-friendly implementation.",
    paper: null,
    experiment: null,
    metric: null,
    judge: notYet(
      "No measurement: this testbed is the attempt; its README shows what a user does.",
    ),
  },
  {
    id: "cpu-cost",
    statement:
      "Open in the poster: the CPU utilisation overheads that V4VSockets imposes (aim: a third of TCP's CPU time of all domains per KB, spinning included).",
    paper: null,
    experiment: "cpu",
    metric: "cpu_per_kb",
    judge: cpuCostClaim,
  },
  {
    id: "no-dip",
    statement: "Aim of this testbed: no dip below 4 times TCP's bandwidth from 512 B to 64 KiB.",
    paper: null,
    experiment: "bandwidth",
    metric: "bandwidth",
    judge: noDip,
  },
  {
    id: "unix-latency",
    statement:
      "Aim of this testbed: 1 B takes at most twice as long as over AF_UNIX inside one domU.",
    paper: null,
    experiment: "latency",
    metric: "half_rtt",
    judge: unixLatency,
  },
  {
    id: "unix-stream",
    statement:
      "Aim of this testbed: a stream of 1 MiB messages has at least half of AF_UNIX's bandwidth inside one domU.",
    paper: null,
    experiment: "stream",
    metric: "bandwidth",
    judge: unixStream,
  },
  {
    id: "iperf3-share",
    statement:
      "Aim of this testbed: iperf3 under v4vrun reaches at least 85% of v4v-bench's stream over AF_VSOCK.",
    paper: null,
    experiment: "apps-iperf3",
    metric: "bandwidth",
    judge: iperfShare,
  },
  {
    id: "iperf3",
    statement:
      "Aim of this testbed: iperf3 under v4vrun is at least 4.6 times as fast as over TCP.",
    paper: null,
    experiment: "apps-iperf3",
    metric: "bandwidth",
    judge: iperfOverTcp,
  },
  {
    id: "redis-get",
    statement:
      "Aim of this testbed: Redis answers at least 3 times as many GETs from 16 connections under v4vrun as over TCP, better 5 times.",
    paper: null,
    experiment: "apps-redis-get",
    metric: "rate",
    judge: redisOverTcp,
  },
  {
    id: "setup-cost",
    statement:
      "Aim of this testbed: setting up a connection of an unmodified program under v4vrun takes at most 1.3 times as long as over TCP.",
    paper: null,
    experiment: "connect",
    metric: "setup",
    judge: setupCost,
  },
  {
    id: "non-peer-cost",
    statement:
      "Aim of this testbed: traffic with an address that is no peer's is not slower under v4vrun than without it (beyond the A/A control of the same run).",
    paper: null,
    experiment: "non-peer",
    metric: "half_rtt",
    judge: nonPeerCost,
  },
  {
    id: "peer-discovery",
    statement:
      "Open in the poster: peer discovery that adaptively uses V4VSockets over generic sockets (read as: one unmodified client goes by V4V to a listener that asks for it, and by TCP to one that does not).",
    paper: null,
    experiment: "path",
    metric: "bytes by ring and by TCP",
    judge: peerDiscovery,
  },
  {
    id: "gpu-evaluation",
    statement:
      "Open in the poster: an elaborate performance evaluation of the GPU sharing framework (judged here: the most clients at once are served evenly, Jain's index at least 0.95).",
    paper: null,
    experiment: "gpu-sharing",
    metric: "fairness",
    judge: sharingClaim,
  },
];

/** What each claim rests on, for the documentation. */
export const CLAIMS: readonly Pick<Claim, "id" | "experiment" | "metric">[] = claims;

/** Every claim of the poster, in its order, judged by one run. */
export function judgeClaims(summary: Summary): ClaimRow[] {
  return claims.map(({ judge, ...claim }) => ({
    ...claim,
    ...judge(summary),
    stamp: summary.stamp,
  }));
}
