import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { succeeded } from "../lifecycle.ts";
import { RULE_FLAGS, RULE_TABLE, tableOf } from "../ruleTable.ts";
import { printed } from "../run.ts";
import type { Testbed } from "../testbed.ts";
import { kill, works, type Bed } from "./bed.ts";

/** A fault, an `up` that gives up, a host that hangs as it reboots and is switched off and on: a bound against hangs. */
const HEALED_WITHIN_MS = 40 * 60_000;

function newestRun(testbed: Testbed): string {
  const artifacts = join(testbed.project, "artifacts");
  const runs = readdirSync(artifacts).filter((name) => name !== "latest");
  const newest = runs
    .map((name) => join(artifacts, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  if (newest === undefined) throw new Error("there is no run");
  return newest;
}

const samplesOf = (run: string): number => {
  const path = join(run, "samples.jsonl");
  return existsSync(path) ? readFileSync(path, "utf8").split('"type":"sample"').length - 1 : 0;
};

interface Fault {
  name: string;
  /** Flags of the `up` during which it happens. */
  flags: string[];
  /** Printed by that `up` when the moment has come; without it the fault is there before. */
  moment?: RegExp;
  happen: () => Promise<unknown>;
  /** What `up` says if it does not heal, which it cannot if the fault was there before; without it `up` must succeed. */
  says?: RegExp;
  /** After that `up`. */
  mend?: () => Promise<unknown>;
  check?: () => unknown;
  domUs: number;
}

/** What can go wrong on a host and with it, one row each, in the order in which they happen to one host. */
function faultsOf(bed: Bed): Fault[] {
  const { testbed } = bed;
  let bootIdBefore = "";

  async function rebootHost(): Promise<void> {
    bootIdBefore = await testbed.bootId("host");
    // The answer may or may not come through before the network goes down.
    await testbed.on("host", "systemctl reboot", 60).catch(() => "");
  }

  /** False if it hangs. */
  async function hostIsBack(): Promise<boolean> {
    let booted = bootIdBefore;
    const until = Date.now() + 300_000;
    while (booted === bootIdBefore && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5000));
      booted = await testbed.bootId("host").catch(() => bootIdBefore);
    }
    return booted !== bootIdBefore;
  }

  return [
    {
      name: "dom0 is rebooted; its module, its rules and its domains come back by themselves",
      flags: ["--vms", "3"],
      moment: /domu3 creating .*creating it/,
      happen: rebootHost,
      says: /domu3|host/,
      mend: async () => {
        if (!(await hostIsBack())) {
          await bed.hangs();
          return;
        }
        // Nobody but the host itself starts its module and the domains that there were, and restores the rules.
        await testbed.on(
          "host",
          "for i in $(seq 120); do systemctl -q is-active v4v-domu@domu1 && systemctl -q is-active v4v-domu@domu2 && grep -q '^v4v ' /proc/modules && exit 0; sleep 1; done; exit 1",
          180,
        );
        expect(await tableOf(testbed)).toBe(RULE_TABLE);
      },
      domUs: 3,
    },
    {
      name: "every SSH session of the host is cut",
      flags: ["--vms", "4"],
      moment: /domu4 creating .*creating it/,
      happen: () =>
        testbed.on("host", "sleep 1; pkill -x sshd-session || pkill sshd", 60).catch(() => ""),
      domUs: 4,
    },
    {
      name: "the host loses its power",
      flags: ["--vms", "2"],
      moment: /updating/i,
      happen: () => bed.powerFails(),
      says: bed.saysOfPower,
      mend: () => bed.powerReturns(),
      domUs: 2,
    },
    {
      name: "dom0's disk is full",
      flags: ["--vms", "3"],
      happen: () =>
        testbed.on(
          "host",
          // What is kept of the journal could be given up for new messages, and make room.
          "journalctl --rotate --vacuum-size=1M >/dev/null 2>&1; fallocate -l $(df --output=avail -B1 / | tail -n 1) /filler || true; cat </dev/zero >/filler2 2>/dev/null || true",
          120,
        ),
      says: /No space left|disk/i,
      mend: () => testbed.on("host", "rm -f /filler /filler2"),
      domUs: 3,
    },
    {
      name: "one domU cannot be created; it takes no other along",
      flags: ["--vms", "5"],
      // The next one that is started fails. One operation at a time: the engine has not begun with the other one then.
      happen: () => {
        testbed.clone.env.PULUMI_PARALLEL = "1";
        return testbed.on(
          "host",
          `mkdir -p /run/systemd/system/v4v-domu@.service.d
         printf '[Service]\nExecStartPre=/bin/sh -c "! mkdir /run/made-to-fail"\n' >/run/systemd/system/v4v-domu@.service.d/fail.conf
         systemctl daemon-reload`,
        );
      },
      says: /domu[45] could not be created/,
      check: async () => {
        delete testbed.clone.env.PULUMI_PARALLEL;
        expect(await testbed.on("host", "xl list | grep -c domu")).toBe("4");
      },
      mend: () =>
        testbed.on(
          "host",
          "rm -r /run/systemd/system/v4v-domu@.service.d; systemctl daemon-reload",
        ),
      domUs: 5,
    },
    {
      name: "a domU panics while it is being measured",
      flags: ["--profile", "smoke", "--vms", "2"],
      moment: /of \d+ steps measured/,
      happen: () =>
        testbed.on("domu2", "(sleep 1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &", 60),
      says: /domu2 ended while being measured/,
      check: () => {
        // What was measured before is kept, with a report that says that it is not all.
        expect(samplesOf(newestRun(testbed))).toBeGreaterThan(0);
      },
      domUs: 2,
    },
  ];
}

/** The table of faults, and those of the controller, on one host, one after the other. */
export function faultTable(bed: Bed): void {
  const { testbed } = bed;
  const healedWithin = bed.testMs ?? HEALED_WITHIN_MS;
  const begin = (vms: number) =>
    testbed.start(
      "scripts/up",
      ["--stack", testbed.stack, "--profile", "none", "--vms", String(vms)],
      bed.upS,
    );

  describe("a fault", () => {
    it(
      "finds a testbed that works",
      async () => {
        succeeded(await testbed.up(["--profile", "none", "--vms", "2", ...RULE_FLAGS], bed.upS));
        await works(testbed, 2);
        expect(await tableOf(testbed)).toBe(RULE_TABLE);
      },
      healedWithin,
    );

    it.each(faultsOf(bed))(
      "$name",
      async ({ flags, moment, happen, says, mend, check, domUs }) => {
        if (moment === undefined) await happen();
        const running = testbed.start("scripts/up", ["--stack", testbed.stack, ...flags], bed.upS);
        if (moment !== undefined) {
          await printed(running, moment, 600);
          await happen();
        }
        const result = await running.finished;
        console.log(`exit code ${result.code} after ${result.seconds.toFixed(0)} s`);
        if (says === undefined) succeeded(result);
        else if (moment === undefined || result.code !== 0) {
          expect(result.code).not.toBe(0);
          expect(result.output).toMatch(says);
        }
        await check?.();
        await mend?.();
        if (result.code !== 0 || mend !== undefined) {
          const next = succeeded(await testbed.up(["--profile", "none"], bed.upS));
          console.log(`the next up: ${next.seconds.toFixed(0)} s`);
        }
        await works(testbed, domUs);
        expect(await tableOf(testbed)).toBe(RULE_TABLE);
      },
      healedWithin,
    );

    it(
      "such as a rebooted controller (all processes killed, files kept) is healed by up",
      async () => {
        const running = begin(3);
        await printed(running, /domu3 creating/, 600);
        process.kill(-running.pid, "SIGKILL");
        // Of the testbed's own machine, if it has one.
        kill(testbed.machines(), "SIGKILL");
        await running.finished;
        const next = succeeded(await testbed.up([], bed.upS));
        expect(next.output).toMatch(/was killed/);
        await works(testbed, 3);
      },
      healedWithin,
    );

    it(
      "such as a killed up leaves nobody behind that the next one does not want",
      async () => {
        const running = begin(4);
        await printed(running, /domu4 creating .*creating it/, 600);
        process.kill(-running.pid, "SIGKILL");
        await running.finished;
        const next = succeeded(await testbed.up(["--vms", "3"], bed.upS));
        expect(next.output).toMatch(/was killed in the middle of/);
        await works(testbed, 3);
        expect(
          await testbed.on(
            "host",
            "ls /etc/systemd/system/multi-user.target.wants /var/lib/v4v-testbed/domains",
          ),
        ).not.toContain("domu4");
      },
      healedWithin,
    );

    it(
      "of an up that still runs elsewhere is named, and that one is not disturbed",
      async () => {
        const running = begin(4);
        await printed(running, /updating/i, 600);
        const refused = await testbed.up([], bed.upS);
        expect(refused.code).not.toBe(0);
        expect(refused.output).toMatch(/is being worked on by process \d+/);
        succeeded(await running.finished);
        await works(testbed, 4);
      },
      healedWithin,
    );
  });
}
