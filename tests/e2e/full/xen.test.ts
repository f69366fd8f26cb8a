import { describe, expect, it } from "vitest";
import { succeeded, takeDownAfterwards } from "../lifecycle.ts";
import { Testbed } from "../testbed.ts";

/** What concerns the hypervisor alone: its series, and its security modules, each on the real Xen in emulation. */
const testbed = new Testbed("xsm");

/** Xen says at which it starts only when it says everything. */
const SETTINGS = ["--profile", "none", "--xen-options", "loglvl=all"];

/** What comes of a line from one domain to another, or socat's complaint. */
async function say(from: string, to: string, cid: number, port: number): Promise<string> {
  await testbed.on(
    to,
    `rm -f /tmp/said; nohup socat -u VSOCK-LISTEN:${port} CREATE:/tmp/said >/dev/null 2>&1 & sleep 1`,
  );
  const complaint = await testbed.on(
    from,
    `echo hello | socat -u - VSOCK-CONNECT:${cid}:${port} 2>&1 || :`,
  );
  return complaint === "" ? testbed.on(to, "sleep 1; cat /tmp/said") : complaint;
}

takeDownAfterwards(testbed);

describe("silo", () => {
  it("silo keeps domUs apart and leaves each with dom0", async () => {
    succeeded(await testbed.up([...SETTINGS, "--xen-xsm", "silo"], 2400));
    expect(await testbed.on("host", "xl dmesg")).toContain("Initialising XSM SILO mode");
    expect(await say("domu1", "domu2", await testbed.cidOf("domu2"), 5001)).toContain(
      "Operation not permitted",
    );
    expect(await say("domu2", "domu1", await testbed.cidOf("domu1"), 5002)).toContain(
      "Operation not permitted",
    );
    expect(await say("domu1", "host", 2, 5003)).toBe("hello");
    expect(await say("host", "domu2", await testbed.cidOf("domu2"), 5004)).toBe("hello");
    // Refused by the module, not by a rule: no rule or policy has dropped anything.
    expect(await testbed.on("host", "viptables -L")).not.toMatch(/DROP/);
  });
});

describe("flask", () => {
  it("flask lets domUs of the default label talk", async () => {
    succeeded(await testbed.up([...SETTINGS, "--xen-xsm", "flask"], 2400));
    expect(await testbed.on("host", "xl dmesg")).toContain("Starting in enforcing mode");
    expect(await say("domu1", "domu2", await testbed.cidOf("domu2"), 5001)).toBe("hello");
    expect(await say("domu1", "host", 2, 5002)).toBe("hello");
    expect(await say("host", "domu1", await testbed.cidOf("domu1"), 5003)).toBe("hello");
    // dom0 may change the rules by the policy's leave.
    await testbed.on("host", "viptables -A -s domu1 -d domu2 -j drop");
    expect(await say("domu1", "domu2", await testbed.cidOf("domu2"), 5004)).toContain(
      "Permission denied",
    );
    await testbed.on("host", "viptables -F");
  });
});

describe("the patch series", () => {
  it("builds commit by commit, with everything off and with everything on", async () => {
    const { facts } = await testbed.build("xen-series", {
      dependencies: ["xen-source"],
      timeoutS: 3600,
    });
    console.log(facts.built);
    expect(facts.built?.split("\n")).toHaveLength(2 * Number(facts.patches));
  }, 3_700_000);
});
