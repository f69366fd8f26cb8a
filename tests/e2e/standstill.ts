import { expect } from "vitest";
import { Duplex, type Counts } from "./duplex.ts";
import type { Testbed } from "./testbed.ts";

/**
 * Connections between domu1 and domu2 that are busy both ways, while nobody reads, clocks jump and dom0's module is
 * reloaded: no lost, doubled or reordered byte, and no sender that stays stuck.
 */

const [A, B] = ["domu1", "domu2"] as const;

/** That much must get through after each event, bytes: more than rings and buffers held before it. */
const ENOUGH = 8 * 2 ** 20;
/** A sender that stands still has got rid of more than this, or something else than a full ring has stopped it. */
const FULL = 2 ** 16;

const jump = (testbed: Testbed, domain: string, seconds: number) =>
  testbed.step(domain, `date -s "@$(($(date +%s) + ${seconds}))"`);

/** Each clock by another amount, and back again. */
async function jumpClocks(testbed: Testbed, sign: 1 | -1): Promise<void> {
  await jump(testbed, A, sign * 86_400);
  await jump(testbed, B, sign * -86_400);
  await jump(testbed, "host", sign * 3600);
}

/** Sockets of earlier tests may only just have been closed. */
async function reloadInDom0(testbed: Testbed): Promise<void> {
  await testbed.step(
    "host",
    `for i in $(seq 50); do ! rmmod v4v 2>/dev/null || break; sleep 0.2; done
    ! grep -q '^v4v ' /proc/modules && systemctl restart v4v-module && grep -q '^v4v ' /proc/modules`,
  );
}

/** What the one end has sent and the other not received, by kind. */
const underWay = (from: Counts, to: Counts): number[] =>
  from.map(({ sent }, i) => sent - (to[i]?.received ?? 0));

/** Nobody reads for so many seconds. Bytes that the connections have carried in all. */
export async function standStill(testbed: Testbed, seconds: number): Promise<number> {
  const duplex = new Duplex(testbed, [A, B]);
  await duplex.place();
  await duplex.start();
  await duplex.goesOn(ENOUGH);
  expect(await duplex.hasMoved()).toBe(true);

  await Promise.all([duplex.stopReading(A), duplex.stopReading(B)]);
  const still = await duplex.standsStill();
  const [a, b] = still;
  for (const bytes of [...underWay(a, b), ...underWay(b, a)]) expect(bytes).toBeGreaterThan(FULL);
  await jumpClocks(testbed, 1);
  await reloadInDom0(testbed);
  await testbed.step(A, `sleep ${seconds}`, seconds + 60);
  expect(await duplex.both()).toEqual(still);

  // One end first: what it is sent goes on, whatever the other does not read.
  await duplex.readOn(A);
  await duplex.receives(A, ENOUGH);
  await duplex.readOn(B);
  await duplex.goesOn(ENOUGH);

  await jumpClocks(testbed, -1);
  await reloadInDom0(testbed);
  await duplex.goesOn(ENOUGH);
  return duplex.finish();
}
