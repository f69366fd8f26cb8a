import { formatNumber } from "../format.ts";
import type { Outcome } from "../judge.ts";
import type { Summary } from "../summary.ts";
import type { PathCase, PathTransfer } from "./proof.ts";

const MB = 1e6;

/** Grants per MB: packets and timers of the domains' own may fall into the moment of a transfer, pages of payload not. */
const MOST_GRANTS = 1;

/** What TCP's pages give at least, or else the counter is blind: 245 pages of 4 KiB hold a MB. */
const SEEING = 10;

/** As of programs under v4vrun everywhere: the first bytes go by TCP, before the connection moves. */
const BY_RING = 0.8;

const notMeasured: Outcome = {
  measured: null,
  verdict: "not measured yet",
  why: "This run did not ask the counters: a whole profile quick or longer does, with V4V.",
};

/** Judges the transfers of two cases; what went wrong is told in place of a verdict. */
function judge(
  { path }: Summary,
  cases: readonly [PathCase, PathCase],
  verdict: (one: PathTransfer, other: PathTransfer) => Pick<Outcome, "verdict" | "why">,
): Outcome {
  if (path === null) return notMeasured;
  const [one, other] = cases.map((name) => path.transfers.findLast((each) => each.case === name));
  if (one !== undefined && other !== undefined) return { measured: null, ...verdict(one, other) };
  const lacking = one === undefined ? cases[0] : cases[1];
  const failure = path.failures.find((each) => each.case === lacking) ?? path.failures[0];
  const why = failure === undefined ? "it is missing" : `${failure.case}: ${failure.why}`;
  return { measured: null, verdict: "cannot be judged here", why: `It failed: ${why}.` };
}

const arrived = (one: PathTransfer): boolean =>
  one.error === null && one.received === one.sent && one.sent > 0;

const grantsPerMb = (one: PathTransfer): number =>
  ((one.client_grants + one.server_grants) * MB) / Math.max(1, one.received);

const broken = (one: PathTransfer): Pick<Outcome, "verdict" | "why"> => ({
  verdict: "cannot be judged here",
  why: `The transfer ${one.case} did not arrive: ${one.error ?? `${one.received} of ${one.sent} B`}.`,
});

/** Payload of V4V makes no kernel open a page to another domain; TCP's does, which shows that the counter sees it. */
export const noSharedPages = (summary: Summary): Outcome =>
  judge(summary, ["tcp", "v4v"], (tcp, v4v) => {
    const lost = [tcp, v4v].find((one) => !arrived(one));
    if (lost !== undefined) return broken(lost);
    const [byTcp, byV4v] = [grantsPerMb(tcp), grantsPerMb(v4v)];
    const numbers = `Entries written into both domUs' grant tables per MB of payload, connection included: V4V ${formatNumber(byV4v)}, TCP ${formatNumber(byTcp)} (${formatNumber(v4v.received / MB)} MB each).`;
    if (byTcp < SEEING)
      return { verdict: "cannot be judged here", why: `${numbers} The counter sees too little.` };
    return { verdict: byV4v <= MOST_GRANTS ? "pass" : "fail", why: numbers };
  });

/** The same connection with a rule that lets it pass, and with one that drops it; both rules count. */
export const dropOrForward = (summary: Summary): Outcome =>
  judge(summary, ["v4v", "drop"], (v4v, drop) => {
    if (!arrived(v4v)) return broken(v4v);
    const passed = v4v.rule_bytes ?? 0;
    const dropped = drop.rule_packets ?? 0;
    const told = `With accept ${formatNumber(v4v.received / MB)} MB arrived, of which the rule counted ${formatNumber(passed / MB)} MB; with drop ${drop.received} B arrived, the rule counted ${dropped} messages, and connect() failed with ${drop.error ?? "nothing"}.`;
    const kept =
      passed >= v4v.received && dropped > 0 && drop.received === 0 && drop.error === "EACCES";
    return { verdict: kept ? "pass" : "fail", why: told };
  });

/** One client, one command: it goes by V4V to a listener that asks for it, and by TCP to one that does not. */
export const peerDiscovery = (summary: Summary): Outcome =>
  judge(summary, ["asks", "plain"], (asks, plain) => {
    const lost = [asks, plain].find((one) => !arrived(one));
    if (lost !== undefined) return broken(lost);
    const share = (one: PathTransfer): number => (one.ring_bytes ?? 0) / one.sent;
    const percent = (one: PathTransfer): string => `${formatNumber(100 * share(one))}%`;
    const why = `The same unmodified client under v4vrun, which found out by itself: to a listener that asks for V4V ${percent(asks)} of its bytes went by ring, to one that does not ${percent(plain)}; all arrived.`;
    const right = share(asks) >= BY_RING && share(plain) === 0;
    return { verdict: right ? "pass" : "fail", why };
  });
