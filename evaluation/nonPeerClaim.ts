import { formatNumber, formatRange } from "./format.ts";
import { judgeRatio, worst, type Outcome } from "./judge.ts";
import type { Place, Summary } from "./summary.ts";
import { BASELINE, transportLabel, UNPEERED } from "./transports.ts";

const EXPERIMENT = "non-peer";

const unjudged = (outcome: Outcome, why: string): Outcome => ({
  measured: outcome.measured,
  verdict: "cannot be judged here",
  why,
});

/**
 * Slower is what lies beyond the A/A control: two sets of plain TCP, of the same run and size, differ by up to its
 * interval's upper end, so a ratio up to there is no difference that could be told.
 */
function judgeAt(summary: Summary, sizeBytes: number): Outcome {
  const place: Place = { experiment: EXPERIMENT, metric: "half_rtt", sizeBytes, pairs: 1 };
  const control = summary.controls.find(
    (one) => one.transport === BASELINE && one.sizeBytes === sizeBytes,
  );
  const most = control?.interval?.high ?? 1;
  const outcome = judgeRatio(summary, place, { kind: "at most", value: most }, BASELINE, UNPEERED);
  const { measured } = outcome;
  if (measured?.interval == null) return outcome;
  const label = transportLabel(BASELINE);
  if (control?.interval == null)
    return unjudged(outcome, `This run has no A/A control of ${label} at this size.`);
  const range = formatRange(control.interval);
  const told: Outcome = {
    ...outcome,
    measured: {
      ...measured,
      text: `${measured.text}; A/A control ${formatNumber(control.ratio)}, interval ${range}`,
    },
  };
  if (control.holds !== true)
    return unjudged(told, `The A/A control of ${label} fails at this size (${range}).`);
  const bound = formatNumber(most);
  if (outcome.verdict === "fail")
    return { ...told, why: `The whole interval is beyond the A/A control's (${range}).` };
  if (measured.value > most)
    return unjudged(told, `The ratio is beyond the A/A control's interval, its own is not.`);
  const why = `The ratio is not beyond the A/A control's interval (${range}); what makes it less than ${bound} times as slow would not show.`;
  return { ...told, verdict: "pass", why };
}

/** A program under v4vrun with an address of no peer, against the same without v4vrun: each size must be no slower. */
export function nonPeerCost(summary: Summary): Outcome {
  const own = [...summary.points, ...summary.unused.filter(({ failed }) => failed)].filter(
    (one) => one.experiment === EXPERIMENT && one.transport === UNPEERED,
  );
  const sizes = [...new Set(own.map(({ sizeBytes }) => sizeBytes))].sort((a, b) => a - b);
  if (sizes.length === 0) {
    const why =
      "This run measured no traffic with an address that is no peer's: profile quick does.";
    return { measured: null, verdict: "not measured yet", why };
  }
  return worst(
    sizes.map((size) => judgeAt(summary, size)),
    "high",
  );
}
