import { decide, experimentName, isDecisive, type Decision } from "./adaptive.ts";
import { formatNumber, formatSize, formatTime } from "./format.ts";
import { observations, UNITS, type Observation } from "./observations.ts";
import type { Plan } from "./plan.ts";
import type { SampleFile } from "./samples.ts";
import { transportLabel } from "./transports.ts";

const UNIT_TEXTS: Record<string, string> = { "1": "", "1/s": "/s" };

/** What a step measured, as in `V4V 64 KiB: 812 us`. */
function figureText({ transport, sizeBytes, pairs, metric, median }: Observation): string {
  const unit = UNITS[metric];
  const several = pairs > 1 ? `, ${pairs} pairs` : "";
  return `${transportLabel(transport)} ${formatSize(sizeBytes)}${several}: ${formatNumber(median)} ${UNIT_TEXTS[unit] ?? unit}`.trimEnd();
}

const durationText = (ms: number): string => formatTime(Math.ceil(ms / 1000));

interface Experiment {
  measured: number;
  left: number;
  /** The last number, as text. */
  current?: string;
}

/** A run while it is measured: where each of its experiments is. */
export class Progress {
  readonly #plan: Plan;
  /** Samples that were looked at already. */
  #samplesSeen = 0;
  #current = new Map<string, string>();
  #decision: Decision;

  constructor(plan: Plan, file: SampleFile) {
    this.#plan = plan;
    this.#decision = decide(plan, file);
    this.update(file);
  }

  /** What may be measured by now. */
  get decision(): Decision {
    return this.#decision;
  }

  /** Takes in what `file` has got since the last time. */
  update(file: SampleFile): void {
    const done = file.progress?.done ?? 0;
    const { steps } = this.#plan;
    if (done >= this.#decision.until && done < steps.length)
      this.#decision = decide(this.#plan, file);
    // Those of a step that is not over yet may not be all of it: they come with the next time.
    const ended = new Set(file.steps.map(({ id }) => id));
    const fresh = file.samples.slice(this.#samplesSeen);
    const whole = fresh.filter(({ id }) => ended.has(id));
    this.#samplesSeen += whole.length;
    for (const one of observations(whole).observed.filter(isDecisive))
      this.#current.set(experimentName(one.experiment), figureText(one));
  }

  /** The experiments, in the plan's order. */
  #experiments(file: SampleFile): Map<string, Experiment> {
    const all = new Map<string, Experiment>();
    const skipped = new Set(this.#decision.skip);
    const records = new Map(file.steps.map((record) => [record.id, record]));
    this.#plan.steps.forEach((step, index) => {
      const name = experimentName(step.experiment);
      const found = all.get(name) ?? { measured: 0, left: 0 };
      const record = records.get(step.id);
      if (record !== undefined) found.measured += record.skipped === true ? 0 : 1;
      else if (index < this.#decision.until && !skipped.has(step.id)) found.left += 1;
      const current = this.#current.get(name);
      all.set(name, current === undefined ? found : { ...found, current });
    });
    return all;
  }

  /** Until all is measured that may be by now, ms; undefined before the first step. */
  msToLook(file: SampleFile): number | undefined {
    const spent = file.progress?.t_ms;
    const measured = file.steps.filter(({ skipped }) => skipped !== true).length;
    if (spent === undefined || measured === 0) return undefined;
    const left = [...this.#experiments(file).values()].reduce((sum, one) => sum + one.left, 0);
    return (left * spent) / measured;
  }

  /** Nothing is left to be decided. */
  get #decided(): boolean {
    return this.#decision.until >= this.#plan.steps.length;
  }

  /** What is left of the run's time, in words; with further repetitions that is the most. */
  #timeLeft(file: SampleFile): string[] {
    const ms = this.msToLook(file);
    if (ms === undefined) return [];
    const { further } = this.#plan;
    if (this.#decided || further === undefined) return [`about ${durationText(ms)} for all`];
    const most = Math.max(ms, further.budgetS * 1000 - (file.progress?.t_ms ?? 0));
    return [`at most ${durationText(most)} for all`];
  }

  /** A line for each experiment that is not over: `latency: 30 of 66 steps measured, 36 left; ...`. */
  lines(file: SampleFile): string[] {
    const time = this.#timeLeft(file);
    return [...this.#experiments(file)]
      .filter(([, { left }]) => left > 0)
      .map(([name, { measured, left, current }]) => {
        const count = `${name}: ${measured} of ${measured + left} steps measured, ${left} left`;
        const until = this.#decided ? "" : " before the next look";
        return [`${count}${until}`, ...(current === undefined ? [] : [current]), ...time].join(
          "; ",
        );
      });
  }
}
