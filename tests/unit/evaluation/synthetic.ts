import type { Plan, PlanDomain, PlanStep } from "../../../evaluation/plan.ts";
import { buildPlan, renderPlan } from "../../../evaluation/plan.ts";
import { profileNamed } from "../../../evaluation/profiles.ts";
import { fnv1a64 } from "../../../evaluation/hash.ts";
import { seededRandom, type Random } from "../../../evaluation/random.ts";
import type { Transport } from "../../../evaluation/transports.ts";

export const domains: PlanDomain[] = [1, 2].map((domid) => ({
  name: `domu${domid}`,
  domid,
  addr: `10.83.0.1${domid}`,
  cid: domid + 2,
  agent: `ssh -F /etc/v4v/ssh_config domu${domid} v4v-bench agent`,
}));

export function smokePlan(transports: Transport[] = ["tcp", "v4v"], seed = 1): Plan {
  const profile = profileNamed("smoke");
  if (profile === null) throw new Error("no profile smoke");
  return buildPlan({ profile, domains: domains.map((domain) => domain.name), transports, seed });
}

/** Round trip (us) of an empty message and bandwidth (MB/s). */
export type Model = Partial<Record<Transport, { rtt: number; bandwidth: number }>>;

export const model: Model = {
  tcp: { rtt: 4000, bandwidth: 50 },
  v4v: { rtt: 500, bandwidth: 400 },
};

function measured(step: PlanStep, speed: { rtt: number; bandwidth: number }, random: Random) {
  const noise = (): number => 1 + 0.1 * random() ** 3;
  if (step.kind === "stream") {
    const ns = Math.round(step.budgetMs * 1e6);
    return { bytes: Math.round((speed.bandwidth * ns * noise()) / 1000), ns, messages: 100 };
  }
  const rtt = (speed.rtt + (2 * step.size) / speed.bandwidth) * (1 + 0.02 * random());
  const count = Math.max(1, Math.min(step.count, Math.round((step.budgetMs * 1000) / rtt)));
  return { rtt_ns: Array.from({ length: count }, () => Math.round(rtt * noise() * 1000)) };
}

/**
 * Lines of a samples file as v4v-bench would write it for a machine of that speed; `fail` names steps that fail, `noise`
 * what the random numbers follow from.
 */
export function syntheticLines(
  plan: Plan,
  speeds: Model = model,
  fail: number[] = [],
  noise = "synthetic samples",
): string[] {
  const random = seededRandom(7, noise);
  const described = domains.map(({ name, domid, addr, cid }) => ({
    name,
    domid,
    addr,
    cid,
    kernel: "6.12.107",
    cpus: 1,
  }));
  const start = {
    type: "start",
    version: 1,
    plan: fnv1a64(renderPlan(plan, domains)),
    bench: "0.1.0",
    clock: "CLOCK_MONOTONIC",
    time: "2025-01-31T12:00:00Z",
    domains: described,
  };
  const steps = plan.steps.flatMap((step, index) => {
    const head = {
      type: "sample",
      id: step.id,
      experiment: step.experiment,
      kind: step.kind,
      transport: step.transport,
      size_bytes: step.size,
      pairs: 1,
      pair: step.pairs[0],
      repetition: step.repetition,
    };
    const speed = speeds[step.transport];
    const failed = speed === undefined || fail.includes(step.id);
    const body = failed
      ? { ok: false, error: "domu1 (client): connect: Connection reset by peer" }
      : {
          ok: true,
          ...measured(step, speed, random),
          sndbuf: 4194304,
          rcvbuf: 4194304,
          start_ns: 1,
          wall_ns: 2,
        };
    const done = index + 1;
    return [
      { ...head, ...body },
      { type: "step", id: step.id, done, of: plan.steps.length, t_ms: done * 500 },
    ];
  });
  const failures = plan.steps.filter(
    (step) => speeds[step.transport] === undefined || fail.includes(step.id),
  ).length;
  const end = { type: "end", ok: plan.steps.length - failures, failed: failures, t_ms: 80_000 };
  return [start, ...steps, end].map((line) => JSON.stringify(line));
}

export const asFile = (lines: readonly string[]): string =>
  lines.map((line) => `${line}\n`).join("");
