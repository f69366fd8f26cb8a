import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { judgeClaims } from "../../../evaluation/claims.ts";
import { nonPeerOf } from "../../../evaluation/nonPeer.ts";
import { buildPlan, renderPlan, type PlanDomain } from "../../../evaluation/plan.ts";
import { PROFILES, profileNamed } from "../../../evaluation/profiles.ts";
import { specialise, WHOLE_PROFILE } from "../../../evaluation/selection.ts";
import { needsV4v, settingsOf } from "../../../evaluation/transports.ts";
import { useFolder } from "../helpers/folder.ts";
import { pingPong, summaryOf } from "./measured.ts";
import { domains } from "./synthetic.ts";

const folder = useFolder();

const some = (count: number): PlanDomain[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `domu${index + 1}`,
    domid: index + 1,
    addr: `10.83.0.${11 + index}`,
    cid: index + 3,
    agent: `ssh -F /etc/v4v/ssh_config domu${index + 1} v4v-bench agent`,
  }));

function quickOn(own: readonly PlanDomain[], experiments = "non-peer") {
  const quick = profileNamed("quick");
  if (quick === null) throw new Error("no profile quick");
  const profile = specialise(quick, { ...WHOLE_PROFILE, experiments }, own.length);
  const names = own.map(({ name }) => name);
  return buildPlan({ profile, domains: names, transports: profile.transports, seed: 1 });
}

describe("the plan", () => {
  test("pings the first two domUs at their second addresses, with and without v4vrun, however many there are", () => {
    for (const count of [2, 3, 16]) {
      const { steps } = quickOn(some(count));
      expect(new Set(steps.map(({ pairs }) => pairs.join()))).toEqual(
        new Set(["domu1.non-peer:domu2.non-peer"]),
      );
      expect(new Set(steps.map(({ transport, size }) => `${transport} ${size}`))).toEqual(
        new Set(["tcp 1", "tcp 65536", "tcp-v4vrun 1", "tcp-v4vrun 65536"]),
      );
    }
  });

  test("names both domUs twice, the second time at an address for benchmarks; others as before", () => {
    const own = some(4);
    const lines = renderPlan(quickOn(own, "non-peer,connect"), own).split("\n");
    const described = lines.filter((line) => line.startsWith("domain "));
    expect(described.map((line) => line.split(" agent=")[0])).toEqual([
      "domain name=domu1 domid=1 addr=10.83.0.11 cid=3",
      "domain name=domu2 domid=2 addr=10.83.0.12 cid=4",
      "domain name=domu1.non-peer domid=1 addr=198.18.0.11 cid=3",
      "domain name=domu2.non-peer domid=2 addr=198.18.0.12 cid=4",
    ]);
    const plain = renderPlan(quickOn(own, "connect"), own);
    expect(plain).not.toContain("198.18");
    expect(described.slice(0, 2)).toEqual(
      plain.split("\n").filter((line) => line.startsWith("domain ")),
    );
  });

  test("fits with the most domUs that there can be, all of them busy", () => {
    const own = some(64);
    expect(renderPlan(quickOn(own, "all"), own).match(/^domain /gm)).toHaveLength(66);
  });

  test("refuses an agent to which no address can be given", () => {
    const [first, second] = domains as [PlanDomain, PlanDomain];
    expect(() =>
      renderPlan(quickOn(domains), [{ ...first, agent: "ssh domu1 bench" }, second]),
    ).toThrow(/"domu1": its agent's command has no place for an address/);
  });

  test("of every profile has it at sizes of the control only, and its transport nowhere else", () => {
    for (const { name, points } of PROFILES) {
      const sizes = (experiment: string) =>
        points.filter((point) => point.experiment === experiment).map(({ size }) => size);
      expect(sizes("non-peer").length > 0).toBe(name !== "smoke");
      expect(sizes("control-a")).toEqual(expect.arrayContaining(sizes("non-peer")));
      const own = points.filter(({ transports }) => transports?.includes("tcp-v4vrun"));
      expect(new Set(own.map(({ experiment }) => experiment)).size).toBe(name === "smoke" ? 0 : 1);
    }
    expect(needsV4v("tcp-v4vrun")).toBe(true);
    expect(settingsOf("tcp-v4vrun")).toContain("--mode auto");
  });
});

describe("the agent's command", () => {
  /** Runs what ssh hands to the far shell, with programs that write down what they are told. */
  function play(v4vBench: string, ip = "exit 0") {
    const [domain] = some(1) as [PlanDomain];
    const { agent } = nonPeerOf(domain);
    const words = /^ssh -F \S+ domu1 (.*)$/.exec(agent)?.[1] ?? "";
    const script = (name: string, body: string): void => {
      writeFileSync(folder(name), `#!/bin/sh\necho "${name} $*" >>"${folder("log")}"\n${body}\n`);
      chmodSync(folder(name), 0o755);
    };
    script("ip", ip);
    script("v4v-bench", v4vBench);
    const { status } = spawnSync("/bin/sh", ["-c", words], {
      env: { PATH: `${folder()}:/usr/bin:/bin` },
      input: "",
      timeout: 10_000,
    });
    const log = existsSync(folder("log")) ? readFileSync(folder("log"), "utf8") : "";
    return { status, log: log.trim().split("\n") };
  }
  const ADD = "ip address replace 198.18.0.11/16 dev eth0 valid_lft 86400 preferred_lft 86400";
  const DELETE = "ip address delete 198.18.0.11/16 dev eth0";

  test("has the address while the agent lives, which gets the line's stdin, and not longer", () => {
    // The agent ends with its stdin, as it does when a run is cut off.
    expect(play("cat >/dev/null")).toEqual({ status: 0, log: [ADD, "v4v-bench agent", DELETE] });
  });

  test("of an agent that fails takes the address away all the same, and passes on how it ended", () => {
    expect(play("kill -9 $$")).toEqual({ status: 137, log: [ADD, "v4v-bench agent", DELETE] });
  });

  test("starts no agent without the address", () => {
    const { status, log } = play("exit 0", "exit 2");
    expect(status).toBe(2);
    expect(log).toEqual([ADD]);
  });
});

describe("the claim", () => {
  const six = (us: number, spread = 0.02): number[] =>
    [-3, -2, -1, 1, 2, 3].map((step) => us * (1 + (step * spread) / 3));

  const set = (
    experiment: string,
    transport: string,
    first: number,
    us: readonly number[],
    size = 1,
  ): string[] =>
    us.map((value, index) =>
      pingPong(first + index, transport, size, index + 1, [Math.round(value * 1000)], {
        experiment,
        pair: experiment === "non-peer" ? "domu1.non-peer:domu2.non-peer" : "domu1:domu2",
      }),
    );

  const control = (spread: number, size = 1, second = 1000): string[] => [
    ...set("control-a", "tcp", 1 + size, six(1000, spread), size),
    ...set("control-b", "tcp", 11 + size, six(second, spread), size),
  ];

  const ran = (us: readonly number[], size = 1): string[] => [
    ...set("non-peer", "tcp", 21 + size, six(1000), size),
    ...set("non-peer", "tcp-v4vrun", 31 + size, us, size),
  ];

  async function claim(lines: readonly string[]) {
    const found = judgeClaims(await summaryOf(lines)).find(({ id }) => id === "non-peer-cost");
    if (found === undefined) throw new Error("no claim non-peer-cost");
    return found;
  }

  test.each<[string, number[], string, RegExp]>([
    ["as fast", six(1000), "pass", /is not beyond the A\/A control's interval \(0\.9\d+ to 1\.0\d/],
    ["a little slower, less than two sets of the same may be", six(1010), "pass", /not show/],
    ["faster", six(700), "pass", /not show/],
    ["slower beyond doubt", six(1200), "fail", /whole interval is beyond the A\/A control's/],
    [
      "slower by the number, but not beyond doubt",
      [990, 995, 1150, 1160, 1170, 1180],
      "cannot be judged here",
      /its own is not/,
    ],
  ])("a program under v4vrun that is %s", async (_, us, verdict, why) => {
    const row = await claim([...control(0.04), ...ran(us)]);
    expect([row.verdict, row.why]).toEqual([verdict, expect.stringMatching(why)]);
    expect(row.measured?.text).toMatch(
      /TCP under v4vrun, no peer\/TCP .*95% interval .*; A\/A control 1\.00, interval /,
    );
  });

  test("the wider the control, the less is slower", async () => {
    const slow = ran(six(1200));
    expect((await claim([...control(0.02), ...slow])).verdict).toBe("fail");
    const wide = await claim([...control(0.4), ...slow]);
    expect(wide.verdict).toBe("pass");
    expect(wide.why).toMatch(/less than 1\.[3-9]\d* times as slow would not show/);
  });

  test("one size that is slower is enough to fail", async () => {
    const lines = [
      ...control(0.04),
      ...ran(six(1000)),
      ...control(0.04, 65_536),
      ...ran(six(1300), 65_536),
    ];
    const row = await claim(lines);
    expect(row.verdict).toBe("fail");
    expect(row.why).toContain("Of 2 places 1 pass, 1 fail");
    expect(row.measured?.value).toBeCloseTo(1.3, 3);
  });

  test("nothing is judged without a control, with one that fails, with too few repetitions, or by failed samples", async () => {
    const verdict = async (lines: readonly string[]) => {
      const row = await claim(lines);
      return `${row.verdict}: ${row.why}`;
    };
    expect(await verdict(ran(six(1000)))).toMatch(/^cannot be judged here: .*no A\/A control/);
    expect(await verdict([...control(0.02, 1, 2000), ...ran(six(1000))])).toMatch(
      /^cannot be judged here: .*The A\/A control of TCP fails/,
    );
    expect(await verdict([...control(0.02), ...ran([1000, 1001])])).toMatch(
      /^cannot be judged here: .*too few/,
    );
    const lost = ran(six(1000)).map((line) => {
      const { rtt_ns, ...rest } = JSON.parse(line) as { rtt_ns: number[]; transport: string };
      return rest.transport === "tcp-v4vrun"
        ? JSON.stringify({ ...rest, ok: false, error: "path: 7 bytes went by a ring" })
        : JSON.stringify({ ...rest, rtt_ns });
    });
    expect(await verdict([...control(0.02), ...lost])).toMatch(
      /^cannot be judged here: .*path: 7 bytes went by a ring/,
    );
    expect(await verdict([])).toMatch(/^not measured yet: /);
  });
});
