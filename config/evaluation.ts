import { profileNamed } from "../evaluation/profiles.ts";
import { listOf, SelectionError, specialise } from "../evaluation/selection.ts";
import { needsV4v, type Transport } from "../evaluation/transports.ts";
import { domUsOn } from "./spread.ts";
import type { Settings } from "./types.ts";

function selectionProblems(settings: Settings): string[] {
  const { evaluation } = settings;
  const profile = profileNamed(evaluation.profile);
  if (profile === null) return [];
  try {
    // Of several hosts the first measures, with its own domUs.
    specialise(profile, evaluation, domUsOn(0, settings).length);
    return [];
  } catch (error) {
    if (!(error instanceof SelectionError)) throw error;
    return error.problems.map(({ member, problem }) => `evaluation.${member}: ${problem}`);
  }
}

/** What is chosen of a profile and cannot be measured on this testbed, as sentences that say what to change. */
export function evaluationProblems(settings: Settings): string[] {
  const problems = selectionProblems(settings);
  const missing = listOf(settings.evaluation.transports).filter((word) =>
    needsV4v(word as Transport),
  );
  if (!settings.v4v.enabled && missing.length > 0)
    problems.push(
      `evaluation.transports: ${missing.join(", ")} cannot be measured with v4v.enabled false`,
    );
  return problems;
}
