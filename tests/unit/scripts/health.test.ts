import { describe, expect, test } from "vitest";
import { judge, type Facts } from "../../../scripts/lib/health.ts";
import type { HostProbe } from "../../../scripts/lib/probe.ts";

const HOST: HostProbe = {
  uptimeSeconds: 60,
  memoryMiB: 967,
  availableMiB: 700,
  module: "5EC",
  xen: { version: "4.20", buildId: "b001d" },
  domains: [
    { name: "domu1", domid: 1, memoryMiB: 192, state: "running" },
    { name: "domu2", domid: 2, memoryMiB: 192, state: "running" },
  ],
  guests: new Map([
    ["domu1", "5EC"],
    ["domu2", "5EC"],
  ]),
  complete: true,
};

const WELL: Facts = {
  stack: "dev",
  worker: undefined,
  up: true,
  pid: 7,
  expected: {
    buildId: "b001d",
    module: "5EC",
    domains: [
      { name: "domu1", address: "10.83.0.11" },
      { name: "domu2", address: "10.83.0.12" },
    ],
    unfinished: [],
  },
  answer: HOST,
};

const host = (change: Partial<HostProbe>): Facts => ({ ...WELL, answer: { ...HOST, ...change } });
const found = (facts: Facts) => judge(facts).map(({ what }) => what);

test("a stack that is as it ought to be has no problem", () => {
  expect(judge(WELL)).toEqual([]);
});

test("a domU whose module was not looked at is well if its SSH greets", () => {
  const greets = new Map([
    ["domu1", "greets"],
    ["domu2", "greets"],
  ]);
  expect(judge(host({ guests: greets }))).toEqual([]);
});

test("a host that was not asked, for the sake of a measurement, is not called silent", () => {
  const problems = judge({ ...WELL, worker: "process 9 of ann on box", answer: undefined });
  expect(problems.map(({ what }) => what)).toEqual([
    "process 9 of ann on box is at work on stack dev",
  ]);
});

test("while somebody is at work nothing is to be done but wait", () => {
  const worker = "process 9 of ann on box";
  const expected = { ...WELL.expected, unfinished: ["creating v4v:index:Domain domu3"] };
  const problems = judge({ ...host({ domains: [] }), worker, expected });
  expect(problems.map(({ what }) => what)).toEqual([
    "process 9 of ann on box is at work on stack dev",
    "domu1 is not there",
    "domu2 is not there",
  ]);
  expect(new Set(problems.map(({ next }) => next))).toEqual(
    new Set(["wait for it to end, then ask again"]),
  );
});

test("without a state nothing is expected of build id and module", () => {
  const expected = { ...WELL.expected, buildId: undefined, module: undefined };
  expect(judge({ ...WELL, expected })).toEqual([]);
});

describe("what is wrong is named, the cause alone", () => {
  test.each<[string, Facts, string[]]>([
    ["not up", { ...WELL, up: false, pid: undefined, answer: undefined }, ["stack dev is not up"]],
    ["machine stopped", { ...WELL, pid: undefined, answer: undefined }, ["the machine is stopped"]],
    [
      "silent",
      { ...WELL, answer: { failure: "no answer in 20 s" } },
      ["the machine runs and dom0 does not answer: no answer in 20 s"],
    ],
    [
      "somebody at work",
      { ...WELL, worker: "process 9 of ann on box", pid: undefined, answer: undefined },
      ["process 9 of ann on box is at work on stack dev", "the machine is stopped"],
    ],
    [
      "an answer cut short",
      host({ complete: false }),
      ["dom0 did not come to the end of its answer"],
    ],
    [
      "another Xen",
      { ...WELL, expected: { ...WELL.expected, buildId: "cafe" } },
      ["another hypervisor runs: build id b001d, expected cafe"],
    ],
    ["no module in dom0", host({ module: undefined }), ["dom0: the V4V module is not loaded"]],
    [
      "an old module in dom0",
      host({ module: "01D" }),
      ["dom0: another V4V module is loaded: 01D, expected 5EC"],
    ],
    ["a domU gone", host({ domains: HOST.domains.slice(0, 1) }), ["domu2 is not there"]],
    [
      "a domU crashed",
      host({ domains: HOST.domains.map((domain) => ({ ...domain, state: "crashed" as const })) }),
      ["domu1 is crashed", "domu2 is crashed"],
    ],
    [
      "a silent domU",
      host({ guests: new Map([["domu1", "5EC"]]) }),
      ["domu2 does not answer to SSH"],
    ],
    [
      "a domU without the module",
      host({
        guests: new Map([
          ["domu1", "5EC"],
          ["domu2", "none"],
        ]),
      }),
      ["domu2: the V4V module is not loaded"],
    ],
    [
      "operations that were cut off",
      { ...WELL, expected: { ...WELL.expected, unfinished: ["creating v4v:index:Domain domu3"] } },
      ["left unfinished: creating v4v:index:Domain domu3"],
    ],
  ])("%s", (_name, facts, problems) => {
    expect(found(facts)).toEqual(problems);
    for (const { next } of judge(facts)) expect(next).toMatch(/\.\/scripts\/up|wait|again/);
  });

  test("a machine without Xen, not each thing that Xen lacks", () => {
    const bare: HostProbe = { ...HOST, domains: [], guests: new Map(), module: undefined };
    delete bare.xen;
    expect(found({ ...WELL, answer: bare })).toEqual(["the machine runs without Xen"]);
  });
});

describe("of several hosts", () => {
  const expected = {
    ...WELL.expected,
    domains: [...WELL.expected.domains, { name: "domu3", address: "10.83.0.13", host: "host2" }],
  };
  const second: HostProbe = {
    ...HOST,
    domains: [{ name: "domu3", domid: 1, memoryMiB: 192, state: "running" }],
    guests: new Map([["domu3", "5EC"]]),
  };
  const facts = (answer: HostProbe | { failure: string }): Facts => ({
    ...WELL,
    expected,
    further: [{ host: "host2", answer }],
  });

  test("each is asked for its own domUs", () => {
    expect(judge(facts(second))).toEqual([]);
    expect(found(facts({ ...second, domains: [] }))).toEqual(["host2: domu3 is not there"]);
    expect(found(facts({ ...second, module: undefined }))).toEqual([
      "host2: dom0: the V4V module is not loaded",
    ]);
  });

  test("one that is down is named, and is all that is wrong", () => {
    expect(found(facts({ failure: "no answer in 20 s" }))).toEqual([
      "host2 does not answer: no answer in 20 s",
    ]);
  });
});
