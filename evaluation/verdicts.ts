import type { ClaimRow } from "./claims.ts";

/** A claim's verdict in two runs. */
export interface VerdictRow {
  id: string;
  base: ClaimRow["verdict"];
  run: ClaimRow["verdict"];
}

type Judged = Pick<ClaimRow, "id" | "verdict">;

/** Of all claims that either run has measured something about. */
export function verdictRows(base: readonly Judged[], run: readonly Judged[]): VerdictRow[] {
  const after = new Map(run.map(({ id, verdict }) => [id, verdict]));
  return base
    .map(({ id, verdict }): VerdictRow => ({
      ...{ id, base: verdict },
      run: after.get(id) ?? "not measured yet",
    }))
    .filter((row) => row.base !== "not measured yet" || row.run !== "not measured yet");
}

/** A claim that only one of the runs measures is no disagreement. */
export function agreement({ base, run }: VerdictRow): "same" | "differs" | "one run alone" {
  if (base === run) return "same";
  return [base, run].includes("not measured yet") ? "one run alone" : "differs";
}
