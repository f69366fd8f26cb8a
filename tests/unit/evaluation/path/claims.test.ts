import { expect, test } from "vitest";
import { dropOrForward, noSharedPages, peerDiscovery } from "../../../../evaluation/path/claims.ts";
import { readPathProof, type PathTransfer } from "../../../../evaluation/path/proof.ts";
import type { Summary } from "../../../../evaluation/summary.ts";
import { summaryOf } from "../measured.ts";

const MB = 8_000_000;
const whole = { sent: MB, received: MB, client_grants: 0, server_grants: 0, error: null };
const good: PathTransfer[] = [
  { ...whole, case: "tcp", client_grants: 3000, server_grants: 2500 },
  { ...whole, case: "v4v", client_grants: 2, rule_packets: 300, rule_bytes: MB + 4096 },
  { ...whole, case: "drop", sent: 0, received: 0, error: "EACCES", rule_packets: 1, rule_bytes: 0 },
  { ...whole, case: "asks", ring_bytes: 0.98 * MB, tcp_bytes: 0.02 * MB },
  { ...whole, case: "plain", ring_bytes: 0, tcp_bytes: MB },
];

const lines = (transfers: readonly PathTransfer[]): string =>
  transfers.map((one) => JSON.stringify({ type: "path", ...one })).join("\n");

async function summaryWith(change: Partial<Record<string, Partial<PathTransfer>>>) {
  const text = lines(good.map((one) => ({ ...one, ...change[one.case] })));
  const path = readPathProof(text);
  expect(path.failures).toEqual([]);
  return { ...(await summaryOf([])), path } satisfies Summary;
}

const verdicts = (summary: Summary) =>
  [noSharedPages, dropOrForward, peerDiscovery].map((claim) => claim(summary).verdict);

test("all three pass by their numbers, which are told", async () => {
  const summary = await summaryWith({});
  expect(verdicts(summary)).toEqual(["pass", "pass", "pass"]);
  expect(noSharedPages(summary).why).toContain("V4V 0.250, TCP 688 (8.00 MB each)");
  expect(dropOrForward(summary).why).toContain("failed with EACCES");
  expect(peerDiscovery(summary).why).toContain("98.0% of its bytes went by ring");
});

test.each<[string, Partial<Record<string, Partial<PathTransfer>>>, (string | null)[]]>([
  ["V4V grants pages", { v4v: { client_grants: 2000 } }, ["fail", "pass", "pass"]],
  [
    "the counter sees nothing of TCP's",
    { tcp: { client_grants: 0, server_grants: 0 } },
    ["cannot be judged here", "pass", "pass"],
  ],
  [
    "V4V loses bytes",
    { v4v: { received: MB - 1 } },
    ["cannot be judged here", "cannot be judged here", "pass"],
  ],
  ["a drop that lets pass", { drop: { received: 1 } }, ["pass", "fail", "pass"]],
  ["another error", { drop: { error: "ETIMEDOUT" } }, ["pass", "fail", "pass"]],
  ["a drop that does not count", { drop: { rule_packets: 0 } }, ["pass", "fail", "pass"]],
  ["bytes past the rule", { v4v: { rule_bytes: MB - 1 } }, ["pass", "fail", "pass"]],
  ["a listener that asks is reached by TCP", { asks: { ring_bytes: 0 } }, ["pass", "pass", "fail"]],
  ["a ring to one that does not", { plain: { ring_bytes: 1 } }, ["pass", "pass", "fail"]],
  [
    "a client that cannot connect",
    { plain: { sent: 0, received: 0, error: "ECONNREFUSED" } },
    ["pass", "pass", "cannot be judged here"],
  ],
])("%s", async (_, change, expected) => {
  expect(verdicts(await summaryWith(change))).toEqual(expected);
});

test("what failed, or was not asked, is said in place of a verdict", async () => {
  const summary = await summaryOf([]);
  expect(verdicts(summary)).toEqual(Array<string>(3).fill("not measured yet"));
  const path = readPathProof(
    `${lines(good.slice(0, 1))}\n{"type":"path-failed","case":"v4v","why":"the client failed"}\nno JSON\n{"type":"path","case":"v4v"}\n`,
  );
  expect(path.failures.map((one) => one.case)).toEqual(["v4v", "line 3", "line 4"]);
  const failed = { ...summary, path };
  expect(verdicts(failed)).toEqual(Array<string>(3).fill("cannot be judged here"));
  expect(noSharedPages(failed).why).toBe("It failed: v4v: the client failed.");
});
