import { join } from "node:path";
import { beforeAll, describe, it } from "vitest";
import { succeeded, takeDownAfterwards } from "./lifecycle.ts";
import { CLIENT, SERVER, SocketsBed } from "./sockets/bed.ts";
import { describeDiscovery } from "./sockets/discovery.ts";
import { describePackages } from "./sockets/packages.ts";
import { describePrograms } from "./sockets/programs.ts";
import { describeReasons } from "./sockets/reasons.ts";
import { describeStorm } from "./sockets/storm.ts";
import { describeStrangers } from "./sockets/strangers.ts";
import { describeTable } from "./sockets/table.ts";
import { Testbed } from "./testbed.ts";

/**
 * Unmodified programs over V4V between two domUs on the real Xen: what they see is what TCP shows, and the way their
 * bytes go is the one that both ends asked for. One machine for all of it.
 */
const testbed = new Testbed("sockets");
const bed = new SocketsBed(testbed);

/** What plays the table and the many connections, and what compares. */
async function copyPrograms(): Promise<void> {
  const build = (await testbed.resources()).find(
    ({ type, inputs }) => type === "v4v:index:Build" && inputs?.recipe === "sockets",
  );
  for (const program of ["behave", "behave-static", "storm"])
    for (const domain of [SERVER, CLIENT])
      testbed.copy(
        domain,
        join(String(build?.outputs?.path), "tests", program),
        `/usr/local/bin/${program}`,
      );
  testbed.copy("host", join(testbed.project, "tests/sockets/compare.sh"), "/var/tmp/compare.sh");
}

beforeAll(async () => {
  console.log(`clone of the project: ${testbed.project}`);
  const { seconds } = succeeded(await testbed.up(["--profile", "none"], 2400));
  console.log(`up: ${seconds.toFixed(0)} s`);
  await copyPrograms();
  await bed.prepareDomains();
}, 45 * 60_000);

takeDownAfterwards(testbed);

describeDiscovery(bed);
describeTable(bed);
describeStorm(bed);
describePrograms(bed);
describeReasons(bed);
describeStrangers(bed);
describePackages(bed);

describe("afterwards", () => {
  it("no kernel has had anything to complain of", async () => {
    await bed.kernelsAreCalm();
  });
});
