import { shuffle } from "simple-statistics";
import { nonPeerName, nonPeerOf, takesAddress } from "./nonPeer.ts";
import { pairCounts, pairsOf } from "./pairs.ts";
import { isMeasuredOn, type Further, type Profile, type ProfilePoint } from "./profiles.ts";
import { seededRandom } from "./random.ts";
import { TRANSPORTS, type Transport } from "./transports.ts";

/** One measurement: a size on a transport, once. */
export interface PlanStep {
  /** Unique within the plan, from 1 in the order of running. */
  id: number;
  experiment: ProfilePoint["experiment"];
  kind: ProfilePoint["kind"];
  transport: Transport;
  /** Payload of one message, bytes. */
  size: number;
  warmup: number;
  count: number;
  /** Length of the timed window, ms. */
  budgetMs: number;
  /** From 1. */
  repetition: number;
  /** `client:server`, names of domains (at their second address: see nonPeer.ts), all at the same time; `/bytes` behind it is a message size of its own. */
  pairs: string[];
}

/**
 * What is measured, in order. It names domains but holds none of the ids that change when a domain restarts, so that
 * an equal plan means an equal measurement.
 */
export interface Plan {
  version: 1;
  profile: string;
  seed: number;
  /** Of every point, unless it has fewer of its own; with `further` the least. */
  repetitions: number;
  /** Those steps beyond `repetitions` are measured that adaptive.ts asks for; absent where there are none. */
  further?: Further;
  transports: Transport[];
  steps: PlanStep[];
}

/** How the driver in dom0 reaches a domain, and peers address it, at the moment. */
export interface PlanDomain {
  name: string;
  /** Xen domain id. */
  domid: number;
  /** IPv4 address of the TCP servers. */
  addr: string;
  /** AF_VSOCK context id; domid + 2 for a domU, 2 for dom0. */
  cid: number;
  /** Command that starts the domain's agent; split at single spaces, run without a shell. */
  agent: string;
}

export interface PlanRequest {
  profile: Profile;
  /** Names of the benchmark domUs: the first two make the first pair, the next two the second, ... */
  domains: readonly string[];
  /** The ones to compare, without doubles. */
  transports: readonly Transport[];
  /** Decides the order of the steps. */
  seed: number;
}

/** A plan that v4v-bench would refuse; the message lists everything that is wrong. */
export class PlanError extends Error {
  override readonly name = "PlanError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the evaluation cannot be planned: ${problems.join("; ")}`);
    this.problems = problems;
  }
}

const NAME = /^[A-Za-z0-9._-]{1,32}$/;

function requestProblems({ domains, transports, seed }: PlanRequest): string[] {
  const problems: string[] = [];
  if (domains.length < 2) problems.push(`two domains are needed, ${domains.length} given`);
  if (new Set(domains).size < domains.length) problems.push("a domain is named twice");
  if (transports.length === 0) problems.push("no transport given");
  if (new Set(transports).size < transports.length) problems.push("a transport is given twice");
  for (const transport of transports) {
    if (!TRANSPORTS.includes(transport)) {
      problems.push(`transport ${JSON.stringify(transport)} is none of ${TRANSPORTS.join(", ")}`);
    }
  }
  if (!Number.isSafeInteger(seed) || seed < 0)
    problems.push(`seed ${seed} is no whole number >= 0`);
  return problems;
}

/** One repetition of a point: on every transport that it is meant for, with every number of pairs. */
function stepsOf(
  point: ProfilePoint,
  domains: readonly string[],
  transports: readonly Transport[],
): Omit<PlanStep, "id" | "repetition">[] {
  const { experiment, kind, size, warmup, budgetMs, pairs: counts = "one", loadSize } = point;
  const meant = transports.filter((transport) => isMeasuredOn(point, transport));
  const most = Math.floor(domains.length / 2);
  const names = point.nonPeer === true ? domains.map(nonPeerName) : domains;
  return meant.flatMap((transport) =>
    pairCounts(counts, most).map((count) => ({
      experiment,
      kind,
      size,
      warmup,
      count: point.count,
      budgetMs,
      transport,
      pairs: pairsOf(names, count, transport, loadSize),
    })),
  );
}

/**
 * The steps of a profile. A repetition holds every point on every transport once, in a random order of its own: what
 * drifts while the run lasts then hits all of them alike.
 *
 * @throws PlanError
 */
export function buildPlan(request: PlanRequest): Plan {
  const problems = requestProblems(request);
  if (problems.length > 0) throw new PlanError(problems);
  const { profile, domains, transports, seed } = request;
  const random = seededRandom(seed, "order of the steps");
  const rounds = profile.points.map((point) => ({
    repetitions: point.repetitions ?? Infinity,
    steps: stepsOf(point, domains, transports),
  }));
  if (rounds.every((round) => round.steps.length === 0)) {
    throw new PlanError([`profile ${profile.name} measures none of ${transports.join(", ")}`]);
  }
  const steps: PlanStep[] = [];
  const most = profile.further?.most ?? profile.repetitions;
  for (let repetition = 1; repetition <= most; repetition++) {
    const due = rounds.filter(({ repetitions }) => repetition <= repetitions);
    const round = due.flatMap(({ steps: ofPoint }) => ofPoint);
    for (const { pairs, ...point } of shuffle(round, random)) {
      steps.push({ id: steps.length + 1, ...point, repetition, pairs });
    }
  }
  return {
    version: 1,
    profile: profile.name,
    seed,
    repetitions: profile.repetitions,
    ...(profile.further !== undefined && { further: { ...profile.further } }),
    transports: [...transports],
    steps,
  };
}

/** Limits of v4v-bench: bytes of a line, domains, the largest domid (DOMID_FIRST_RESERVED - 1) and CID. */
const MAX_LINE = 1023;
const MAX_DOMAINS = 128;
const MAX_DOMID = 0x7fef;
const MAX_CID = 0xfffffffe;

const isWhole = (value: number, max: number): boolean =>
  Number.isSafeInteger(value) && value >= 0 && value <= max;

function isIPv4(text: string): boolean {
  const octet = /^(0|[1-9]\d{0,2})$/;
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => octet.test(part) && Number(part) <= 255);
}

function domainProblems(domain: PlanDomain): string[] {
  const wrong: string[] = [];
  const { name, domid, addr, cid, agent } = domain;
  if (!NAME.test(name)) wrong.push("the name is not 1 to 32 of A-Z a-z 0-9 . _ -");
  if (!isWhole(domid, MAX_DOMID)) wrong.push(`domid ${domid} is not 0 to ${MAX_DOMID}`);
  if (!isIPv4(addr)) wrong.push(`address ${JSON.stringify(addr)} is not an IPv4 address`);
  if (!isWhole(cid, MAX_CID)) wrong.push(`CID ${cid} is not 0 to ${MAX_CID}`);
  if (!agent.split(" ").every((word) => /^[^\s\p{Cc}]+$/u.test(word))) {
    wrong.push("the agent's command must be words separated by single spaces");
  }
  return wrong.map((what) => `domain ${JSON.stringify(name)}: ${what}`);
}

const domainLine = (domain: PlanDomain): string =>
  `domain name=${domain.name} domid=${domain.domid} addr=${domain.addr} cid=${domain.cid} agent=${domain.agent}`;

const stepLine = (step: PlanStep): string =>
  `step id=${step.id} experiment=${step.experiment} kind=${step.kind} transport=${step.transport}` +
  ` size=${step.size} warmup=${step.warmup} count=${step.count} budget_ms=${step.budgetMs}` +
  ` repetition=${step.repetition} pairs=${step.pairs.join(",")}`;

/**
 * The text that `v4v-bench drive` reads; domains that no step uses are left out.
 *
 * @throws PlanError
 */
export function renderPlan(plan: Plan, domains: readonly PlanDomain[]): string {
  const names = new Set(
    plan.steps.flatMap((step) =>
      step.pairs.flatMap((pair) => pair.split("/")[0]?.split(":") ?? []),
    ),
  );
  const apart = domains.filter((domain) => names.has(nonPeerName(domain.name)));
  const used = [...domains.filter((domain) => names.has(domain.name)), ...apart.map(nonPeerOf)];
  const problems = used.flatMap(domainProblems);
  for (const { name } of apart.filter((domain) => !takesAddress(domain)))
    problems.push(
      `domain ${JSON.stringify(name)}: its agent's command has no place for an address`,
    );
  for (const name of names) {
    const count = used.filter((domain) => domain.name === name).length;
    if (count === 0) problems.push(`domain ${JSON.stringify(name)} is not there`);
    if (count > 1) problems.push(`domain ${JSON.stringify(name)} is described twice`);
  }
  if (names.size > MAX_DOMAINS) problems.push(`${names.size} domains, more than ${MAX_DOMAINS}`);
  const lines = ["v4v-bench-plan 1", ...used.map(domainLine), ...plan.steps.map(stepLine)];
  const long = lines.findIndex((line) => Buffer.byteLength(line) > MAX_LINE);
  if (long >= 0) problems.push(`line ${long + 1} of the plan is longer than ${MAX_LINE} bytes`);
  if (problems.length > 0) throw new PlanError(problems);
  return `${lines.join("\n")}\n`;
}
