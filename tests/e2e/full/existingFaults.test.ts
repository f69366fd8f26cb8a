import { afterAll, describe, expect, it } from "vitest";
import { existingBed } from "../faults/bed.ts";
import { driftAndMending } from "../faults/drift.ts";
import { endedAtMoments } from "../faults/moments.ts";
import { faultTable } from "../faults/table.ts";
import { succeeded } from "../lifecycle.ts";
import { OWNERS_LISTING } from "../ownersListing.ts";
import { packageLists, PlainHost, tellsOnFailure } from "../plainHost.ts";
import { Testbed } from "../testbed.ts";

/**
 * The table of faults on a host of somebody else's. All of its rows; two look otherwise, as nobody but its owner switches
 * such a host on and off: its power returns before the next `up`, and a host that hangs as it reboots is switched off and on by the test.
 * Not here: the package mirror that cannot be reached, which is the controller's matter and ends `up` before a host is asked.
 */
const testbed = new Testbed("existing-faults");
let host: PlainHost | undefined;

const there = (): PlainHost => {
  if (host === undefined) throw new Error("there is no host");
  return host;
};

const bed = existingBed(testbed, there);
const listing = async () => (await there().on(OWNERS_LISTING, 300)).split("\n").sort();

/** The short form's count; one of them is given up, which costs a destroy and an up from nothing. */
const MOMENTS = Number(process.env.V4V_MOMENTS ?? 3);

let before: string[] = [];

tellsOnFailure(() => (host === undefined ? [] : [host]));

afterAll(async () => {
  await host?.remove();
  testbed.clone.remove();
});

describe("a host of somebody else's", () => {
  it(
    "becomes the testbed's",
    async () => {
      host = await PlainHost.boot(testbed.project, await packageLists(testbed.project));
      before = await listing();
      const { address, port, keyFile, hostKey } = host.handedOver;
      const hosts = JSON.stringify([{ address, port, keyFile, hostKey }]);
      const settings = ["--target", "existing", "--hosts", hosts];
      succeeded(await testbed.up([...settings, "--profile", "none", "--vms", "2"], bed.upS));
    },
    bed.testMs,
  );
});

endedAtMoments(bed, MOMENTS);

faultTable(bed);

driftAndMending(bed, {
  // What lies outside of the testbed's own lines there is its owner's.
  entry: {
    what: "an edited boot entry",
    by: "sed -i '/^# v4v-testbed: begin$/a # mine' /boot/grub/custom.cfg",
    seen: "host-xen",
  },
  network: {
    what: "an altered file and a network edited by hand",
    by: `echo '# mine' >>/usr/local/lib/v4v-testbed/domu
    sed -i 's/10\\.83/10.84/' /etc/systemd/system/v4v-bridge.service`,
    seen: "host-files",
  },
  undone: "grep -c 10.84 /etc/systemd/system/v4v-bridge.service; true",
});

describe("when the testbed is gone", () => {
  it(
    "the host is as it was, whatever happened meanwhile",
    async () => {
      const result = succeeded(await testbed.destroy(bed.destroyS));
      expect(result.output).toContain("is as it was before the testbed came");
      expect(await there().on("[ -e /sys/hypervisor/type ] && echo xen || echo plain")).toBe(
        "plain",
      );
      expect(await listing()).toEqual(before);
    },
    bed.testMs,
  );
});
