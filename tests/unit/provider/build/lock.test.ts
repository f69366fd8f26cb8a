import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { withLock } from "../../../../provider/build/lock.ts";
import { bootId, identify } from "../../../../provider/host/processes.ts";
import { useFolder } from "../../helpers/folder.ts";

const folder = useFolder();
const lock = () => folder("lock");
const take = <T>(work: () => Promise<T>, waiting: () => void = () => undefined, ms = 20_000) =>
  withLock(lock(), AbortSignal.timeout(ms), waiting, work);

function heldBy(owner: object | string): void {
  mkdirSync(lock());
  writeFileSync(
    folder("lock/owner.json"),
    typeof owner === "string" ? owner : JSON.stringify(owner),
  );
}

test("the holder is named while it holds, and the lock is gone afterwards, failure or not", async () => {
  const owner = await take(() => Promise.resolve(readFileSync(folder("lock/owner.json"), "utf8")));
  expect(JSON.parse(owner)).toEqual(identify(process.pid));
  expect(existsSync(lock())).toBe(false);
  await expect(take(() => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  expect(existsSync(lock())).toBe(false);
});

test("one at a time", async () => {
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 5 }, () =>
      take(async () => {
        most = Math.max(most, ++inside);
        await sleep(5);
        inside -= 1;
      }),
    ),
  );
  expect(most).toBe(1);
});

test.each([
  ["a process that is gone", { pid: 2 ** 22 + 1, startTicks: "1", bootId: bootId() }],
  ["another process of the same number", { ...identify(process.pid), startTicks: "1" }],
  [
    "a boot that is over",
    { ...identify(process.pid), bootId: "00000000-0000-0000-0000-000000000000" },
  ],
])("the lock of %s is taken over at once", async (_who, owner) => {
  heldBy(owner);
  let waited = 0;
  expect(
    await take(
      () => Promise.resolve("mine"),
      () => (waited += 1),
    ),
  ).toBe("mine");
  expect(waited).toBe(0);
});

test.each(["", "{", "not JSON"])(
  "a lock whose owner was not written whole (%j) is taken over",
  async (text) => {
    heldBy(text);
    expect(await take(() => Promise.resolve("mine"))).toBe("mine");
  },
);

test("a living process's lock is waited for until the deadline, and stays", async () => {
  heldBy(identify(process.ppid) ?? {});
  let waited = 0;
  const taking = take(
    () => Promise.resolve("mine"),
    () => (waited += 1),
    700,
  );
  await expect(taking).rejects.toThrow(`waiting for ${lock()}: `);
  expect(waited).toBe(1);
  expect(existsSync(folder("lock/owner.json"))).toBe(true);
});
