import { describe, expect, it } from "vitest";
import { succeeded } from "../lifecycle.ts";
import { works, type Bed } from "./bed.ts";

/** Something that somebody does by hand on dom0, and the resource that is to see it. */
export interface Drift {
  what: string;
  by: string;
  seen: string;
}

/** On any kind of host. */
const EVERYWHERE: Drift[] = [
  { what: "a paused domain", by: "xl pause domu1", seen: "domu1" },
  { what: "a domain with other memory", by: "xl mem-set domu3 150", seen: "domu3" },
  {
    what: "an unloaded module",
    by: "systemctl stop v4v-module.service; rmmod v4v 2>/dev/null; ! grep -q '^v4v ' /proc/modules",
    seen: "module-dom0",
  },
  {
    what: "an altered library and a purged package",
    by: "echo >>/usr/lib/libv4vsockets.so; dpkg --purge v4v-dom0",
    seen: "sockets-dom0",
  },
];

/**
 * Drift that `refresh` sees and `up` mends.
 *
 * @param own what is in other files on each kind of host: the boot entry, and the domUs' network with what shows that it was
 *   mended: `0` is printed then
 */
export function driftAndMending(
  bed: Bed,
  own: { entry: Drift; network: Drift; undone: string },
): void {
  const { testbed } = bed;
  const drifts = [...EVERYWHERE, own.entry, own.network];

  const bootIds = async (): Promise<string[]> => {
    const ids: string[] = [];
    for (const name of ["host", "domu1", "domu2", "domu3"]) ids.push(await testbed.bootId(name));
    return ids;
  };
  const balloon = "xenstore-read /local/domain/$(xl domid domu3)/memory/target";
  let kept: string[] = [];
  let target = "";

  describe("drift", () => {
    it(
      "is there to be seen",
      async () => {
        succeeded(await testbed.up(["--profile", "none", "--vms", "3"], bed.upS));
        kept = await bootIds();
        target = await testbed.on("host", balloon);
        for (const { by } of drifts) await testbed.on("host", by);
      },
      bed.testMs,
    );

    it(
      "is seen by refresh, each by its resource",
      async () => {
        const { output } = succeeded(
          await testbed.pulumi(["refresh", "--yes", "--stack", testbed.stack]),
        );
        for (const { what, seen } of drifts)
          expect(output, what).toMatch(new RegExp(`~ .*${seen} +updated|- .*${seen} +deleted`));
        expect(output).not.toMatch(/domu2 +(updated|deleted)/);
      },
      bed.testMs,
    );

    it(
      "is mended by up without a restart of anything",
      async () => {
        succeeded(await testbed.up([], bed.upS));
        const again = succeeded(await testbed.up([], bed.upS));
        expect(again.output).not.toMatch(/\d+ (created|updated|deleted)/);
        expect(await bootIds()).toEqual(kept);
        expect(await testbed.on("host", "grep -c '^v4v ' /proc/modules")).toBe("1");
        expect(
          await testbed.on(
            "host",
            "systemctl is-active v4vd; dpkg -V v4v-sockets v4v-dom0 | grep -v /usr/share/doc/ || :",
          ),
        ).toBe("active");
        expect(await testbed.on("host", own.undone)).toBe("0");
        expect(await testbed.on("host", balloon)).toBe(target);
        await works(testbed, 3);
      },
      bed.testMs,
    );

    it(
      "a machine that does not answer is not taken for a destroyed one",
      async () => {
        await bed.standsStill();
        const refreshed = await testbed.pulumi(["refresh", "--yes", "--stack", testbed.stack]);
        await bed.goesOn();
        expect(refreshed.output).not.toMatch(/\d+ deleted/);
        succeeded(await testbed.up([], bed.upS));
        await works(testbed, 3);
      },
      bed.testMs,
    );
  });
}
