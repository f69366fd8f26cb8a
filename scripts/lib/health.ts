import type { HostProbe } from "./probe.ts";

/** What a stack ought to be, as far as its state tells. */
export interface Expected {
  buildId: string | undefined;
  /** srcversion of the V4V module; undefined with v4v.enabled false, too. */
  module: string | undefined;
  /** `host`: the name of the host that it is on, if that is not the only or first one. */
  domains: { name: string; address: string; host?: string }[];
  /** Resources that are half made, and operations that a killed engine left. */
  unfinished: string[];
}

export interface Facts {
  stack: string;
  /** Whoever is at work on the stack: its state is on the move. */
  worker: string | undefined;
  /** The run folder and its ssh configuration are there. */
  up: boolean;
  /** By its state it is up; that, and no folder here, is so on another computer than the one that made it. */
  made?: boolean;
  /** Why its state, which is elsewhere, could not be had. */
  stateless?: string;
  /** It is on a host that is somebody else's, and has no process. */
  existing?: boolean;
  /** Process of the emulated machine. */
  pid: number | undefined;
  expected: Expected;
  /** What dom0 said, or why it said nothing; undefined if it was not asked. */
  answer: Answer | undefined;
  /** Of several existing hosts: what the others' dom0 said, by the hosts' names. */
  further?: readonly { host: string; answer: Answer }[];
}

export type Answer = HostProbe | { failure: string };

export interface Problem {
  what: string;
  next: string;
}

const UP = "run ./scripts/up";

function* hostProblems(expected: Expected, host: HostProbe): Generator<Problem> {
  if (!host.complete)
    yield { what: "dom0 did not come to the end of its answer", next: "ask again in a minute" };
  if (host.xen === undefined) {
    yield { what: "the machine runs without Xen", next: `${UP}, which boots it` };
    return;
  }
  if (expected.buildId !== undefined && host.xen.buildId !== expected.buildId) {
    yield {
      what: `another hypervisor runs: build id ${host.xen.buildId}, expected ${expected.buildId}`,
      next: `${UP}, which boots the right one`,
    };
  }
  if (expected.module !== undefined && host.module !== expected.module) {
    yield {
      what: `dom0: ${moduleProblem(host.module, expected.module)}`,
      next: `${UP}, which loads it`,
    };
  }
  for (const { name } of expected.domains) yield* domainProblems(name, expected, host);
}

function moduleProblem(loaded: string | undefined, expected: string): string {
  return loaded === undefined
    ? "the V4V module is not loaded"
    : `another V4V module is loaded: ${loaded}, expected ${expected}`;
}

function* domainProblems(name: string, expected: Expected, host: HostProbe): Generator<Problem> {
  const console = `npm run logs -- ${name}`;
  const domain = host.domains.find((candidate) => candidate.name === name);
  if (domain === undefined) {
    yield { what: `${name} is not there`, next: `${UP}, which makes it again; ${console}` };
    return;
  }
  if (domain.state !== "running") {
    yield { what: `${name} is ${domain.state}`, next: `${UP}, which mends it; ${console}` };
    return;
  }
  const said = host.guests.get(name);
  if (said === undefined) {
    yield { what: `${name} does not answer to SSH`, next: `look at it: ${console}; then ${UP}` };
  } else if (expected.module !== undefined && said !== "greets" && said !== expected.module) {
    yield {
      what: `${name}: ${moduleProblem(said === "none" ? undefined : said, expected.module)}`,
      next: `${UP}, which loads it; ${console}`,
    };
  }
}

/** What is expected of one of several hosts. */
const on = (host: string | undefined, expected: Expected): Expected => ({
  ...expected,
  domains: expected.domains.filter((domain) => domain.host === host),
});

function* problems({
  stack,
  worker,
  up,
  made = false,
  stateless,
  existing = false,
  pid,
  expected,
  answer,
  further = [],
}: Facts): Generator<Problem> {
  if (stateless !== undefined)
    yield { what: stateless, next: "look at the backend, or log in to it: docs/state.md" };
  if (!up && made) {
    yield {
      what: `stack ${stack} is up by its state, and its folder is not on this computer`,
      next: `ask the computer that made it, or ${UP} here, which takes it over if it is on existing hosts: docs/state.md`,
    };
  } else if (!up) {
    yield { what: `stack ${stack} is not up`, next: UP };
  } else if (pid === undefined && !existing) {
    yield { what: "the machine is stopped", next: `${UP}, which boots it again` };
  } else if (answer === undefined) {
    return; // It was not asked, for the sake of a measurement.
  } else if ("failure" in answer) {
    if (existing)
      yield {
        what: `the host does not answer: ${answer.failure}`,
        next: `look at it, or at its console; then ${UP}`,
      };
    else
      yield {
        what: `the machine runs and dom0 does not answer: ${answer.failure}`,
        next: `look at its console: npm run logs; then ${UP}`,
      };
  } else {
    yield* hostProblems(on(undefined, expected), answer);
    // What an engine is doing now is recorded as what a killed one left.
    for (const what of worker === undefined ? expected.unfinished : [])
      yield { what: `left unfinished: ${what}`, next: `${UP}, which goes on from there` };
  }
  for (const { host, answer: said } of further) {
    if ("failure" in said)
      yield {
        what: `${host} does not answer: ${said.failure}`,
        next: `look at it, or at its console; then ${UP}; the other hosts go on meanwhile`,
      };
    else
      for (const { what, next } of hostProblems(on(host, expected), said))
        yield { what: `${host}: ${what}`, next };
  }
}

/** What is wrong with a stack, the cause before its consequences; empty if it is healthy. */
export function judge(facts: Facts): Problem[] {
  const found = [...problems(facts)];
  const { stack, worker } = facts;
  if (worker === undefined) return found;
  // What is not there yet may be about to come: nothing is to be done meanwhile.
  const next = "wait for it to end, then ask again";
  return [
    { what: `${worker} is at work on stack ${stack}`, next },
    ...found.map(({ what }) => ({ what, next })),
  ];
}
