import { expect, test } from "vitest";
import { buildPlan, PlanError, renderPlan, type PlanDomain } from "../../../evaluation/plan.ts";
import type { Profile } from "../../../evaluation/profiles.ts";
import type { Transport } from "../../../evaluation/transports.ts";
import { domains, smokePlan } from "./synthetic.ts";
import fc from "../helpers/property.ts";

const point = fc.record({
  experiment: fc.constant("latency" as const),
  kind: fc.constant("pingpong" as const),
  size: fc.integer({ min: 1, max: 1 << 24 }),
  warmup: fc.nat(10),
  count: fc.integer({ min: 1, max: 10 }),
  budgetMs: fc.integer({ min: 1, max: 1000 }),
});

const request = fc.record({
  profile: fc.record({
    name: fc.constant("any"),
    transports: fc.constant([]),
    description: fc.constant(""),
    repetitions: fc.integer({ min: 1, max: 6 }),
    points: fc.uniqueArray(point, { minLength: 1, maxLength: 8, selector: (one) => one.size }),
  }),
  domains: fc.constant(["a", "b", "c"]),
  transports: fc.subarray<Transport>(["tcp", "tcp-stock", "v4v"], { minLength: 1 }),
  seed: fc.nat(),
});

test("each repetition is a permutation of every point on every transport", () => {
  fc.assert(
    fc.property(request, (asked) => {
      const plan = buildPlan(asked);
      const every = asked.profile.points
        .flatMap((one) => asked.transports.map((transport) => `${one.size} ${transport}`))
        .sort();
      const length = every.length;
      expect(plan.steps).toHaveLength(asked.profile.repetitions * length);
      expect(plan.steps.map((step) => step.id)).toEqual(plan.steps.map((_, index) => index + 1));
      for (let repetition = 1; repetition <= asked.profile.repetitions; repetition++) {
        const round = plan.steps.slice((repetition - 1) * length, repetition * length);
        expect(round.every((step) => step.repetition === repetition)).toBe(true);
        expect(round.map((step) => `${step.size} ${step.transport}`).sort()).toEqual(every);
      }
    }),
  );
});

test("the order is random but the seed's: another seed or repetition has another one", () => {
  const order = (seed: number, repetition: number): string[] =>
    smokePlan(["tcp", "v4v"], seed)
      .steps.filter((step) => step.repetition === repetition)
      .map((step) => `${step.kind} ${step.size} ${step.transport}`);
  expect(order(1, 1)).toEqual(order(1, 1));
  expect(order(1, 1)).not.toEqual(order(2, 1));
  expect(order(1, 1)).not.toEqual(order(1, 2));
  // Interleaved: the transport changes often within a repetition (14 of 27 times on average).
  const transports = order(1, 1).map((step) => step.split(" ")[2]);
  const changes = transports.filter((one, index) => index > 0 && one !== transports[index - 1]);
  expect(changes.length).toBeGreaterThan(6);
});

const tiny: Profile = {
  name: "tiny",
  description: "",
  repetitions: 1,
  transports: ["v4v"],
  points: [
    { experiment: "stream", kind: "stream", size: 65_536, warmup: 2, count: 0, budgetMs: 1000 },
  ],
};

const tinyPlan = () =>
  buildPlan({ profile: tiny, domains: ["domu1", "domu2", "domu3"], transports: ["v4v"], seed: 1 });

test("the text is the contract's, with the domains that take part", () => {
  const [first, second] = domains as [PlanDomain, PlanDomain];
  const third = { ...first, name: "domu3", domid: 9 };
  expect(renderPlan(tinyPlan(), [first, second, third])).toBe(
    [
      "v4v-bench-plan 1",
      "domain name=domu1 domid=1 addr=10.83.0.11 cid=3 agent=ssh -F /etc/v4v/ssh_config domu1 v4v-bench agent",
      "domain name=domu2 domid=2 addr=10.83.0.12 cid=4 agent=ssh -F /etc/v4v/ssh_config domu2 v4v-bench agent",
      "step id=1 experiment=stream kind=stream transport=v4v size=65536 warmup=2 count=0 budget_ms=1000 repetition=1 pairs=domu1:domu2",
      "",
    ].join("\n"),
  );
});

test("a restarted domain changes the text, not the plan", () => {
  expect(JSON.stringify(smokePlan())).not.toMatch(/domid|cid|10\.83/);
  const restarted = domains.map((domain) => ({
    ...domain,
    domid: domain.domid + 7,
    cid: domain.cid + 7,
  }));
  expect(renderPlan(smokePlan(), restarted)).not.toBe(renderPlan(smokePlan(), domains));
});

test.each<[string, Partial<PlanDomain>, RegExp]>([
  ["a name with a space", { name: "domu1 x" }, /domain "domu1" is not there/],
  ["an address that is none", { addr: "10.83.0.256" }, /"10\.83\.0\.256" is not an IPv4 address/],
  ["an address with leading zeros", { addr: "10.083.0.1" }, /not an IPv4 address/],
  ["a domain id out of range", { domid: 32_752 }, /domid 32752 is not 0 to 32751/],
  ["a CID for any", { cid: 0xffffffff }, /CID 4294967295 is not 0 to 4294967294/],
  ["a fractional CID", { cid: 1.5 }, /CID 1.5 is not/],
  ["a line break in the command", { agent: "v4v-bench agent\nstep id=1" }, /single spaces/],
  ["two spaces in the command", { agent: "v4v-bench  agent" }, /single spaces/],
  ["no command", { agent: "" }, /single spaces/],
  ["a control character in the command", { agent: "v4v-bench\u0007" }, /single spaces/],
  ["a command beyond a line", { agent: "x".repeat(1000) }, /line 2 .* longer than 1023 bytes/],
])("%s is refused", (_, wrong, message) => {
  const [first, second] = domains as [PlanDomain, PlanDomain];
  expect(() => renderPlan(tinyPlan(), [{ ...first, ...wrong }, second])).toThrow(message);
});

test("a hostile name is refused where a plan uses it, a doubled domain as well", () => {
  const [first, second] = domains as [PlanDomain, PlanDomain];
  const plan = buildPlan({
    profile: tiny,
    domains: ["a b", "domu2"],
    transports: ["v4v"],
    seed: 1,
  });
  expect(() => renderPlan(plan, [{ ...first, name: "a b" }, second])).toThrow(
    /"a b": the name is not/,
  );
  expect(() => renderPlan(tinyPlan(), [first, first, second])).toThrow(
    /"domu1" is described twice/,
  );
});

test("a request that cannot be planned is told whole", () => {
  const error = (() => {
    try {
      buildPlan({
        profile: tiny,
        domains: ["domu1"],
        transports: ["tcp", "tcp", "rdma" as Transport],
        seed: -1,
      });
    } catch (caught) {
      return caught;
    }
    return undefined;
  })();
  expect(error).toBeInstanceOf(PlanError);
  expect((error as PlanError).problems).toEqual([
    "two domains are needed, 1 given",
    "a transport is given twice",
    'transport "rdma" is none of tcp, tcp-stock, v4v, v4v-sockets, tcp-v4vrun, vchan, unix, native',
    "seed -1 is no whole number >= 0",
  ]);
});

test("a point with fewer repetitions than the profile is measured in the first ones", () => {
  const [point] = tiny.points;
  if (point === undefined) throw new Error("tiny has no point");
  const profile = {
    ...tiny,
    repetitions: 4,
    points: [point, { ...point, size: 77, repetitions: 2 }],
  };
  const { steps } = buildPlan({
    profile,
    domains: ["domu1", "domu2"],
    transports: ["tcp"],
    seed: 1,
  });
  const of = (size: number) =>
    steps.filter((step) => step.size === size).map((step) => step.repetition);
  expect(of(77)).toEqual([1, 2]);
  expect(of(point.size)).toEqual([1, 2, 3, 4]);
  expect(Object.keys(steps[0] ?? {})).not.toContain("repetitions");
});
