import { parseGate, type GateText } from "../helpers/gate.ts";
import { decide, renderGate } from "../../../evaluation/adaptive.ts";
import { fnv1a64 } from "../../../evaluation/hash.ts";
import { renderPlan, type Plan, type PlanStep } from "../../../evaluation/plan.ts";
import { SamplesReader, type SampleFile } from "../../../evaluation/samples.ts";
import { domains } from "./synthetic.ts";

/** What a step measures: half round trip in us (ping-pong) or MB/s (stream); null fails. */
export type Measure = (step: PlanStep) => number | null;

const line = (value: object): string => `${JSON.stringify(value)}\n`;

/** What a samples file of a plan, given as text, begins with. */
export const startLine = (planText: string): string =>
  line({
    type: "start",
    version: 1,
    plan: fnv1a64(planText),
    bench: "0.1.0",
    clock: "CLOCK_MONOTONIC",
    time: "2025-01-31T12:00:00Z",
    domains: domains.map(({ name, domid, addr, cid }) => ({
      ...{ name, domid, addr, cid },
      kernel: "6.12.107",
      cpus: 1,
    })),
  });

export const endLine = (): string => line({ type: "end", ok: 1, failed: 0, t_ms: 1 });

function sampleLine(step: PlanStep, value: number | null): string {
  const head = {
    ...{ type: "sample", id: step.id, experiment: step.experiment, kind: step.kind },
    ...{ transport: step.transport, size_bytes: step.size, pairs: 1, pair: step.pairs[0] },
    repetition: step.repetition,
  };
  if (value === null) return line({ ...head, ok: false, error: "no answer" });
  const body =
    step.kind === "stream"
      ? { bytes: Math.round(value * 1e6), ns: 1e9, messages: 1 }
      : { rtt_ns: [Math.round(value * 2000)] };
  return line({ ...head, ok: true, ...body });
}

/** The lines of the plan's step with that index, as v4v-bench writes them: after `tMs`, measured or left out. */
export function stepLines(
  plan: Plan,
  index: number,
  gate: GateText,
  tMs: number,
  measure: Measure,
): string {
  const step = plan.steps[index];
  if (step === undefined) throw new RangeError(`no step ${index}`);
  const record = { type: "step", id: step.id, done: index + 1, of: plan.steps.length, t_ms: tMs };
  return gate.skip.has(step.id)
    ? line({ ...record, skipped: true })
    : sampleLine(step, measure(step)) + line(record);
}

/**
 * A run from its beginning to its end, or to `stopAfter` steps: v4v-bench and whoever decides in turn. Each step takes
 * `stepMs`.
 */
export function driven(
  plan: Plan,
  measure: Measure,
  stepMs: (step: PlanStep) => number = () => 100,
  stopAfter = Infinity,
): { file: SampleFile; text: string; untils: number[] } {
  const reader = new SamplesReader();
  let text = "";
  const add = (more: string): void => {
    text += more;
    reader.push(more);
  };
  add(startLine(renderPlan(plan, domains)));
  const untils: number[] = [];
  let tMs = 0;
  let done = 0;
  while (done < plan.steps.length) {
    const gate = parseGate(renderGate(decide(plan, reader.file)));
    if (gate.until <= done) throw new Error(`the gate stays closed after step ${done}`);
    untils.push(gate.until);
    for (; done < gate.until; done++) {
      if (done >= stopAfter) return { file: reader.finish(), text, untils };
      const step = plan.steps[done];
      if (step !== undefined && !gate.skip.has(step.id)) tMs += stepMs(step);
      add(stepLines(plan, done, gate, tMs, measure));
    }
  }
  add(endLine());
  return { file: reader.finish(), text, untils };
}
