/**
 * How far apart the windows of a step's pairs may begin, ns: each client's clock is its own, and all of them begin when
 * the driver's word reaches them. Only what lies so far inside every window is counted, as then all pairs run.
 */
export const START_SKEW_NS = 50e6;

/** A stretch of a client's timed window, ns from its start. */
export interface Stretch {
  from: number;
  to: number;
}

/**
 * The part of the windows during which all pairs certainly ran; null where too little is left.
 *
 * @param windows length of each pair's window, ns
 * @param skew how far apart they may begin, ns
 */
export function commonStretch(windows: readonly number[], skew = START_SKEW_NS): Stretch | null {
  const shortest = Math.min(...windows);
  if (windows.length === 1) return { from: 0, to: shortest };
  const stretch = { from: skew, to: shortest - skew };
  return stretch.to - stretch.from >= 2 * skew ? stretch : null;
}

/** Round trips that fall into a stretch; those across its ends count by the part that is inside. */
export function roundTripsWithin(rttNs: readonly number[], { from, to }: Stretch): number {
  let start = 0;
  let count = 0;
  for (const rtt of rttNs) {
    const inside = Math.min(start + rtt, to) - Math.max(start, from);
    if (inside > 0) count += inside / rtt;
    start += rtt;
  }
  return count;
}

/** The round trips that lie in a stretch as a whole. */
export function wholeRoundTrips(rttNs: readonly number[], { from, to }: Stretch): number[] {
  let start = 0;
  return rttNs.filter((rtt) => {
    const begin = start;
    start += rtt;
    return begin >= from && start <= to;
  });
}

/**
 * Jain's fairness index: 1 where all get the same, 1/n where one gets all. Source: R. Jain, D. Chiu and W. Hawe, "A
 * Quantitative Measure of Fairness and Discrimination for Resource Allocation", DEC-TR-301, 1984.
 */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share ** 2, 0);
  return sum ** 2 / (shares.length * squares);
}
