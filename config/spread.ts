import type { Settings } from "./types.ts";

/**
 * On which host a domU is, from 0: two by two, so that the pairs that are measured are on one host: domu1 and domu2 on the first,
 * domu3 and domu4 on the second, and so on in turn. Its number alone says it: growing and shrinking moves nobody.
 */
export const hostOf = (domU: number, hosts: number): number =>
  Math.floor((domU - 1) / 2) % Math.max(1, hosts);

/** Numbers of the domUs of a host; without hosts of somebody else's, all are on the emulated machine. */
export function domUsOn(host: number, { vmCount, hosts }: Settings): number[] {
  const all = Array.from({ length: vmCount }, (_, i) => i + 1);
  return all.filter((domU) => hostOf(domU, hosts.length) === host);
}

/** Number of domUs that there are when the last of several hosts has one, too. */
export const leastDomUs = (hosts: number): number => 2 * hosts - 1;
