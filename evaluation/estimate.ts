import { experimentName } from "./adaptive.ts";
import { pairCounts } from "./pairs.ts";
import { isMeasuredOn, type Profile, type ProfilePoint } from "./profiles.ts";
import { TRANSPORTS, type Transport } from "./transports.ts";

/** How fast a transport is taken to be, on the slow side, when the length of a run is estimated. */
export interface Speed {
  /** One round trip of one byte, ms. */
  roundTripMs: number;
  /** Payload one way, MB/s. */
  bandwidth: number;
  /** What a step has to start beside what every transport does, ms; 0 where absent. */
  startMs?: number;
}

/** What a machine is taken to do. */
export interface MachineModel {
  /** Set-up of a step beside its traffic, ms: control lines over SSH, connections, the lead before the start. */
  stepOverheadMs: number;
  /** What each pair beyond the first adds to that, ms. */
  pairOverheadMs: number;
  /** What each domU beyond two adds to that by being there, ms. */
  domUOverheadMs: number;
  /** Once a run, ms. */
  runOverheadMs: number;
  /** Starting a domU's agent, once a run, ms. */
  agentMs: number;
  transports: Record<Transport, Speed>;
}

/**
 * Xen under QEMU TCG on two shared cores. TCP: the slow end of what was measured between two domUs (half round trip
 * 1.9 to 2.4 ms, 25 to 65 MB/s); V4V: a cautious guess from the ceilings of that machine (AF_UNIX inside a domain:
 * half round trip 0.16 ms, memcpy 1.9 GB/s). Overheads by run 20261128T182604Z-quick-63f80f (16 domUs: first
 * step after 37 s, eight pairs 2 to 4 s longer than one, a step in one domU 0.06 to 0.09 s longer than with two domUs),
 * whose six repetitions took 577 s; that of a step is on the slow side with two domUs.
 */
export const EMULATED: MachineModel = {
  stepOverheadMs: 150,
  pairOverheadMs: 450,
  domUOverheadMs: 6,
  runOverheadMs: 2000,
  agentMs: 2200,
  transports: {
    tcp: { roundTripMs: 4.8, bandwidth: 25 },
    "tcp-stock": { roundTripMs: 4.8, bandwidth: 25 },
    v4v: { roundTripMs: 1, bandwidth: 100 },
    // Two processes under v4vrun, and the move to rings: a guess.
    "v4v-sockets": { roundTripMs: 1, bandwidth: 100, startMs: 250 },
    "tcp-v4vrun": { roundTripMs: 4.8, bandwidth: 25, startMs: 250 },
    // 513 pages are granted and mapped: a guess.
    vchan: { roundTripMs: 1, bandwidth: 100, startMs: 100 },
    unix: { roundTripMs: 0.5, bandwidth: 300 },
    native: { roundTripMs: 0.01, bandwidth: 1000 },
  },
};

/** Starting a server, asking for a version, setting the value that is got, ms: a guess. */
const PROGRAM_START_MS = 1000;

/** Of the 16 requests that Redis has under way, as if so many did not wait for each other. */
const REQUESTS_AT_ONCE = 8;

/** Until a run that has come to a look goes on, ms: the controller asks every second by then. */
const LOOK_MS = 2000;

/** Socket buffers of both ends that a stream still drains after its last write, bytes (2 x 4 MiB at most). */
const IN_FLIGHT = 8 * 1024 * 1024;

/** What v4v-bench sends again to verify a stream's payload, bytes (64 messages, 4 MiB at most). */
const verification = (size: number): number => Math.min(64 * size, 4 * 1024 * 1024);

const transferMs = (bytes: number, speed: Speed): number => bytes / (speed.bandwidth * 1000);

/** `pairs` share the machine: each is taken to be as much slower. */
function stepMs(point: ProfilePoint, one: Speed, pairs: number): number {
  const speed = { roundTripMs: one.roundTripMs * pairs, bandwidth: one.bandwidth / pairs };
  if (point.kind === "memcpy") return point.budgetMs;
  if (point.kind === "iperf3") return PROGRAM_START_MS + point.budgetMs;
  if (point.kind === "redis-get") {
    return PROGRAM_START_MS + (point.count * speed.roundTripMs) / REQUESTS_AT_ONCE;
  }
  if (point.kind === "connect") {
    // The handshake, a byte each way, and the end.
    const one = 3 * speed.roundTripMs;
    return point.warmup * one + Math.min(point.count * one, point.budgetMs + one);
  }
  if (point.kind === "stream") {
    const sent = transferMs(point.warmup * point.size + IN_FLIGHT, speed);
    return point.budgetMs + sent + transferMs(verification(point.size), speed);
  }
  const size = pairs > 1 ? Math.max(point.size, point.loadSize ?? 0) : point.size;
  const roundTrip = speed.roundTripMs + 2 * transferMs(size, speed);
  // The window closes after the round trip in which the budget ends; one more verifies the payload.
  const timed = Math.min(point.count * roundTrip, point.budgetMs + roundTrip);
  return (point.warmup + 1) * roundTrip + timed;
}

/** An experiment of a run. */
export interface Part {
  experiment: string;
  steps: number;
  seconds: number;
}

/** The steps of a profile by experiment, in its order: the repetitions that are made in any case. */
export function estimateParts(
  profile: Profile,
  transports: readonly Transport[] = TRANSPORTS,
  model: MachineModel = EMULATED,
  domains = 2,
): Part[] {
  const parts = new Map<string, Part>();
  const others = Math.max(0, domains - 2) * model.domUOverheadMs;
  for (const transport of transports) {
    for (const point of profile.points) {
      if (!isMeasuredOn(point, transport)) continue;
      const experiment = experimentName(point.experiment);
      const part = parts.get(experiment) ?? { experiment, steps: 0, seconds: 0 };
      for (const pairs of pairCounts(point.pairs ?? "one", Math.floor(domains / 2))) {
        const overhead = model.stepOverheadMs + others + (pairs - 1) * model.pairOverheadMs;
        const speed = model.transports[transport];
        const ms = overhead + (speed.startMs ?? 0) + stepMs(point, speed, pairs);
        const times = Math.min(profile.repetitions, point.repetitions ?? Infinity);
        part.steps += times;
        part.seconds += (times * ms) / 1000;
      }
      parts.set(experiment, part);
    }
  }
  const order = profile.points.map(({ experiment }) => experimentName(experiment));
  return [...parts.values()].sort(
    (a, b) => order.indexOf(a.experiment) - order.indexOf(b.experiment),
  );
}

const total = (parts: readonly Part[], what: "steps" | "seconds"): number =>
  parts.reduce((sum, part) => sum + part[what], 0);

/** How long the repetitions that are made in any case take on a machine like `model` with that many domUs, s. */
export function estimateSeconds(
  profile: Profile,
  transports: readonly Transport[] = TRANSPORTS,
  model: MachineModel = EMULATED,
  domains = 2,
): number {
  const parts = estimateParts(profile, transports, model, domains);
  return (model.runOverheadMs + domains * model.agentMs) / 1000 + total(parts, "seconds");
}

/** With all further repetitions. */
const whole = (profile: Profile): Profile => ({
  ...profile,
  repetitions: profile.further?.most ?? profile.repetitions,
});

/** How long a profile takes there at most, s: with all further repetitions that its budget allows. */
export function estimateMostSeconds(
  profile: Profile,
  transports: readonly Transport[] = TRANSPORTS,
  model: MachineModel = EMULATED,
  domains = 2,
): number {
  const { further, repetitions } = profile;
  const least = estimateSeconds(profile, transports, model, domains);
  if (further === undefined) return least;
  const looks = Math.ceil((further.most - repetitions) / further.block);
  const unbounded = estimateSeconds(whole(profile), transports, model, domains);
  return Math.max(least, Math.min(further.budgetS, unbounded)) + (looks * LOOK_MS) / 1000;
}

/** What a profile is made of, and how long it takes: least and most. */
export interface Estimate {
  /** Of the repetitions that are made in any case. */
  parts: Part[];
  steps: number;
  mostSteps: number;
  seconds: number;
  mostSeconds: number;
}

export function estimate(
  profile: Profile,
  transports: readonly Transport[],
  domains: number,
  model: MachineModel = EMULATED,
): Estimate {
  const parts = estimateParts(profile, transports, model, domains);
  return {
    parts,
    steps: total(parts, "steps"),
    mostSteps: total(estimateParts(whole(profile), transports, model, domains), "steps"),
    seconds: estimateSeconds(profile, transports, model, domains),
    mostSeconds: estimateMostSeconds(profile, transports, model, domains),
  };
}
