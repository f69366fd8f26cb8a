import type { PairCounts } from "./profiles.ts";
import type { Transport } from "./transports.ts";
import { insideOneDomain } from "./transports.ts";

/** The numbers of pairs that a point is measured with; `most` is what the domUs allow, at least 1. */
export function pairCounts(counts: PairCounts | readonly number[], most: number): number[] {
  if (typeof counts !== "string") return counts.filter((count) => count <= most);
  const all = Array.from({ length: most }, (_, index) => index + 1);
  switch (counts) {
    case "one":
      return [1];
    case "every":
      return all;
    case "ends":
      return most > 1 ? [1, most] : [1];
    case "powers":
      return all.filter((count) => Number.isInteger(Math.log2(count)) || count === most);
  }
}

/**
 * The first `count` pairs of the domains, `client:server`, no domain in two of them; with `loadSize` all but the
 * first exchange messages of that many bytes. Transports inside one domain have both ends in the first of each two.
 */
export function pairsOf(
  domains: readonly string[],
  count: number,
  transport: Transport,
  loadSize?: number,
): string[] {
  return Array.from({ length: count }, (_, index) => {
    const [client = "", other = ""] = domains.slice(2 * index, 2 * index + 2);
    const pair = `${client}:${insideOneDomain(transport) ? client : other}`;
    return index > 0 && loadSize !== undefined ? `${pair}/${loadSize}` : pair;
  });
}
