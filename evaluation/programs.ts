import { isFigureOfProgram } from "./observations.ts";
import { isProgram, type ProgramSample, type Sample } from "./sampleSchema.ts";
import { findRatio, type Point, type RatioPoint, type Summary } from "./summary.ts";
import { BASELINE } from "./transports.ts";

/** One program over one transport. */
export interface ProgramRow {
  point: Point;
  /** Figure over TCP's; undefined for TCP itself and where TCP was not measured. */
  ratio: RatioPoint | undefined;
  /** As the program itself says. */
  version: string;
  /** The client's, of one repetition: ports differ. */
  command: string;
  /** Part of all the connections' bytes that went by the ring, over all repetitions; null where there was no TCP. */
  ringShare: number | null;
}

function ringShareOf(samples: readonly ProgramSample[]): number | null {
  const sum = (of: (sample: ProgramSample) => number): number =>
    samples.reduce((total, sample) => total + of(sample), 0);
  const ring = sum((one) => one.ring_tx_bytes + one.ring_rx_bytes);
  const all = ring + sum((one) => one.tcp_tx_bytes + one.tcp_rx_bytes);
  return all === 0 ? null : ring / all;
}

/** The table of unmodified programs, in the order of the summary's points; empty where none was measured. */
export function programRows(summary: Summary, samples: readonly Sample[]): ProgramRow[] {
  const measured = samples.filter(isProgram);
  return summary.points.filter(isFigureOfProgram).flatMap((point): ProgramRow[] => {
    const { experiment, transport, sizeBytes } = point;
    const own = measured.filter(
      (one) =>
        one.experiment === experiment &&
        one.transport === transport &&
        one.size_bytes === sizeBytes,
    );
    const [first] = own;
    if (first === undefined) return [];
    return [
      {
        point,
        ratio: findRatio(summary.ratios, point, BASELINE, transport),
        version: first.version,
        command: first.command,
        ringShare: ringShareOf(own),
      },
    ];
  });
}
