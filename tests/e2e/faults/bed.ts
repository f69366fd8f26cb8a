import { expect } from "vitest";
import { machineClock } from "../pause.ts";
import type { PlainHost } from "../plainHost.ts";
import type { Testbed } from "../testbed.ts";

/** A testbed that faults are done to, and what they look like on its kind of host. */
export interface Bed {
  testbed: Testbed;
  /** Bounds against hangs, s. */
  upS: number;
  destroyS: number;
  /** Of a test with several of these, ms; the configuration's if it is not said. */
  testMs?: number;
  /** The host loses its power: nothing is shut down. */
  powerFails(): Promise<void>;
  /** What `up` says if that happens meanwhile. */
  saysOfPower: RegExp;
  /** Whoever owns the host switches it on again; an emulated machine is switched on by `up`. */
  powerReturns(): Promise<void>;
  /** A host that hangs as it reboots, as emulated machines now and then do. */
  hangs(): Promise<void>;
  /** All of the host stands still, and goes on. */
  standsStill(): Promise<void>;
  goesOn(): Promise<void>;
}

export const kill = (pids: readonly number[], signal: NodeJS.Signals): void => {
  for (const pid of pids) process.kill(pid, signal);
};

function folderOf({ runFolder }: Testbed): string {
  if (runFolder === undefined) throw new Error("there is no machine");
  return runFolder;
}

/** The testbed's own machine, which `up` heals. */
export function emulatedBed(testbed: Testbed): Bed {
  return {
    testbed,
    upS: 900,
    destroyS: 300,
    powerFails: () => {
      kill(testbed.machines(), "SIGKILL");
      return Promise.resolve();
    },
    saysOfPower: /QEMU/,
    powerReturns: () => Promise.resolve(),
    hangs: () => {
      console.log(`dom0 hangs:\n${testbed.consoleEnd()}`);
      return Promise.resolve();
    },
    standsStill: async () => {
      await machineClock(folderOf(testbed), "stop");
      kill(testbed.machines(), "SIGSTOP");
    },
    goesOn: async () => {
      kill(testbed.machines(), "SIGCONT");
      await machineClock(folderOf(testbed), "cont");
    },
  };
}

/** A host of somebody else's, which only its owner switches on and off. */
export function existingBed(testbed: Testbed, host: () => PlainHost): Bed {
  const switchOn = async () => {
    await host().switchOn();
    await host().rebooted("", 900);
    // Its units make the domUs that there were, whatever is wanted by now.
    await host().started();
  };
  return {
    testbed,
    upS: 1500,
    destroyS: 1100,
    testMs: 60 * 60_000,
    powerFails: () => host().switchOff(),
    saysOfPower: /its recorded state is kept/,
    powerReturns: switchOn,
    hangs: async () => {
      console.log(`the host hangs:\n${host().consoleEnd()}`);
      await host().switchOff();
      await switchOn();
    },
    standsStill: () => host().standsStill(),
    goesOn: () => host().goesOn(),
  };
}

/** The testbed works: the domUs that should be there answer, and one reaches the other over V4V. */
export async function works(testbed: Testbed, domUs: number): Promise<void> {
  const listed = await testbed.on("host", "xl list | awk 'NR > 1 { print $1 }' | sort");
  expect(listed.split("\n")).toEqual([
    "Domain-0",
    ...Array.from({ length: domUs }, (_, i) => `domu${i + 1}`),
  ]);
  const cid = await testbed.cidOf("domu2");
  await testbed.on(
    "domu2",
    "nohup socat -u VSOCK-LISTEN:6000 CREATE:/tmp/word >/dev/null 2>&1 & sleep 1",
  );
  await testbed.on("domu1", `echo works | socat -u - VSOCK-CONNECT:${cid}:6000`);
  expect(await testbed.on("domu2", "sleep 1; cat /tmp/word; rm /tmp/word")).toBe("works");
}
