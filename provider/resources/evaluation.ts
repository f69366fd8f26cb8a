import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { renderGate } from "../../evaluation/adaptive.ts";
import { markLatest, writeArtifacts, type Artifacts } from "../../evaluation/artifacts.ts";
import { estimate } from "../../evaluation/estimate.ts";
import { estimateText } from "../../evaluation/estimateText.ts";
import { canonicalJson, sha256 } from "../../evaluation/hash.ts";
import type { RunFacts } from "../../evaluation/manifest.ts";
import { buildPlan, renderPlan, type Plan, type PlanDomain } from "../../evaluation/plan.ts";
import { betweenHosts, profileNamed } from "../../evaluation/profiles.ts";
import { gpuLegs, renderGpuPlan, type GpuRoute } from "../../evaluation/gpu/plan.ts";
import { selectGpu } from "../../evaluation/gpu/selection.ts";
import { Progress } from "../../evaluation/progress.ts";
import { replaceFile } from "../../evaluation/replaceFile.ts";
import { BILL, GPU_SAMPLES, PROGRESS, SAMPLES, UNFINISHED } from "../../evaluation/runFiles.ts";
import { specialise, WHOLE_PROFILE, type Selection } from "../../evaluation/selection.ts";
import { SamplesReader } from "../../evaluation/samples.ts";
import type { Transport } from "../../evaluation/transports.ts";
import { missing, typed } from "../inputs.ts";
import type { BillInputs } from "./bill.ts";
import { Refused, type Context, type Prior, type Properties, type Resource } from "../resource.ts";
import { RemoteFailure } from "../ssh/errors.ts";
import { Remote } from "../ssh/remote.ts";
import type { Connection } from "../ssh/target.ts";
import { runGpuLegs } from "./gpuLegs.ts";
import { conditionsOf } from "./conditions.ts";
import { bringNews } from "./news.ts";
import { provePath } from "./pathProof.ts";
import { startUnit } from "./transientUnit.ts";
import { pause } from "../ssh/wait.ts";

/** Inputs of `v4v:index:Evaluation`. */
export interface EvaluationInputs {
  /** Connection to dom0. */
  connection: Connection;
  /** The domUs as they are now; the ids change with every restart and are no reason to measure again. */
  domains: Omit<PlanDomain, "agent">[];
  /** The first domUs of each further host, with their public keys; absent where there is none. */
  elsewhere?: (Omit<PlanDomain, "agent"> & { hostKey: string })[][];
  profile: string;
  /** What is chosen of it; all of it where absent. */
  selection?: Selection;
  transports: Transport[];
  seed: number;
  /** Ways to the GPU that are compared; absent without a GPU domU. */
  gpu?: GpuRoute[];
  /** Raised to measure again. */
  generation: number;
  /** Everything that makes a result another result: settings, builds. */
  facts: Pick<
    RunFacts,
    "settings" | "versions" | "builds" | "machine" | "transports" | "accelerator" | "command"
  >;
  /** Where what the run is made of lies; without it there is no bill of materials. */
  bill?: BillInputs;
  /** Folder on the controller that gets a folder for each run. */
  artifacts: string;
}

export interface EvaluationOutputs {
  runId: string;
  path: string;
  report: string;
  manifestHash: string;
  complete: boolean;
  claims: { id: string; verdict: string }[];
}

/** Kept in a run folder until the run is complete: what an interrupted one needs to be taken up again. */
interface Unfinished {
  runId: string;
  startedAt: string;
  /** SHA-256 of what its samples are of: see {@link identityOf}. */
  identity: string;
}

const REMOTE = "/var/lib/v4v-testbed/runs";
/** Another one after each start of dom0. */
const BOOT_ID = "/proc/sys/kernel/random/boot_id";
/** How a run is looked at, ms: each look costs dom0 a little of the CPU that is being measured. */
export interface Pace {
  look: number;
  /** At least so long, where v4v-bench is about to wait for what is decided. */
  shortLook: number;
  /** How long a line of progress stands before the next experiment's takes its place, at least. */
  line: number;
}

const USUAL_PACE: Pace = { look: 10_000, shortLook: 2000, line: 2000 };

/** Undefined for what a kill or a full disk cut short: such a run cannot be taken up. */
function readUnfinished(path: string): Unfinished | undefined {
  try {
    const found = JSON.parse(readFileSync(path, "utf8")) as Partial<Unfinished> | null;
    return typeof found?.runId === "string" && typeof found.startedAt === "string"
      ? (found as Unfinished)
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What the samples of a run have in common. The plan's text holds the domain ids, so a restarted domU means a new run; so
 * does another build or setting, dom0 started anew (its domUs may have the old ids), or another stack's machine: stacks
 * that were resumed from one frozen machine share a boot, but no key.
 */
function identityOf(
  plan: string,
  { facts, connection }: EvaluationInputs,
  urn: string,
  bootId: string,
): string {
  const { settings, versions, builds, machine, transports, accelerator } = facts;
  // Whoever raises it after a run took too long wants that run.
  const evaluation: Record<string, unknown> = { ...(settings.evaluation as object | undefined) };
  delete evaluation.timeout;
  const measured = { ...settings, evaluation };
  const { hostKey } = connection;
  return sha256(
    canonicalJson({
      ...{ plan, urn, bootId, hostKey: hostKey.trim() },
      ...{ settings: measured, versions, builds, machine, accelerator: accelerator.kind },
      ...(transports !== undefined && { transports }),
    }),
  );
}

/** Runs with that identity that were not brought to their end, the newest first. */
function unfinished(artifacts: string, identity: string): Unfinished[] {
  if (!existsSync(artifacts)) return [];
  return readdirSync(artifacts)
    .filter((name) => name !== "latest" && existsSync(join(artifacts, name, UNFINISHED)))
    .sort()
    .reverse()
    .flatMap((name) => readUnfinished(join(artifacts, name, UNFINISHED)) ?? [])
    .filter((found) => found.identity === identity);
}

/** The beginning of a file in dom0, so long as what is here of it; that of a file that is not there is empty. */
const BEGINNING = `head -c "$2" -- "$1/${SAMPLES}" 2>/dev/null | sha256sum`;

/** The run that can go on: dom0 still has all of it that is here, else it would be measured from its first step again. */
async function takeUp(
  context: Context,
  remote: Remote,
  artifacts: string,
  identity: string,
): Promise<Unfinished | undefined> {
  for (const found of unfinished(artifacts, identity)) {
    const { runId } = found;
    const samples = join(artifacts, runId, SAMPLES);
    cutToLastStep(samples);
    const here = existsSync(samples) ? readFileSync(samples) : Buffer.alloc(0);
    const [folder, size] = [`${REMOTE}/${runId}`, String(here.length)];
    const there = await remote.run("looking for the run in dom0", BEGINNING, folder, size);
    if (there.split(" ")[0] === sha256(here)) return found;
    context.info(
      `run ${runId} is not taken up: dom0 has not what was measured of it; a new one begins`,
    );
  }
  return undefined;
}

function newRun(profile: string, identity: string): Unfinished {
  const startedAt = new Date().toISOString();
  const stamp = startedAt.replace(/\.\d+Z$/, "Z").replaceAll(/[-:]/g, "");
  const runId = `${stamp}-${profile}-${sha256(identity + startedAt).slice(0, 6)}`;
  return { runId, startedAt, identity };
}

/** A step that takes longer than this has a transport that hangs, s; without a bound a broken one would take hours. */
const STEP_TIMEOUT_S = 15;

const START = startUnit(
  "",
  `v4v-bench drive --step-timeout ${STEP_TIMEOUT_S} "$@" plan ${SAMPLES}`,
);

/** CPU times of all domains around every step, where a step is evaluated by them; else the readings would only disturb. */
function cpuOptions(plan: Plan): string[] {
  const costed = plan.steps.some(({ experiment }) => /^(cpu|scaling)/.test(experiment));
  return costed ? ["--cpu-command", "/usr/local/bin/domain-cpu"] : [];
}

/** A run that was given up goes on in dom0, whoever began it: beside it nothing can be measured. */
const END_OTHERS = `
systemctl list-units --plain --no-legend --all 'v4v-evaluation-*.service' 'v4v-gpu-*.service' | while read -r unit _; do
  case $unit in *"-$1.service") ;; *) systemctl stop "$unit" ;; esac
done`;

/** Prints which of the domains given are gone. A network back end is looked for, as asking the toolstack costs CPU of dom0's. */
const GONE = `gone=
for domain; do [ -e "/sys/bus/xen-backend/devices/vif-\${domain%%:*}-0" ] || gone="$gone \${domain#*:}"; done
echo $gone`;

/** Where further repetitions depend on what was measured, v4v-bench waits for word at each look. */
const gateOptions = (plan: Plan): string[] =>
  plan.further === undefined ? [] : ["--gate", "gate"];

interface Look {
  status: string | undefined;
  /** Names of domains that are not there any more. */
  gone: string[];
  /** Further lines of samples. */
  news: string;
}

async function look(
  remote: Remote,
  folder: string,
  samples: string,
  domains: readonly PlanDomain[],
): Promise<Look> {
  const { status, also, text } = await bringNews(remote, "looking at the evaluation", {
    folder,
    prefix: "",
    file: SAMPLES,
    copy: samples,
    also: { script: GONE, arguments: domains.map(({ domid, name }) => `${domid}:${name}`) },
  });
  return { status, gone: also.split(" ").filter(Boolean), news: text };
}

/** Shows the lines in turn until it is time to look again. */
async function show(context: Context, lines: readonly string[], ms: number): Promise<void> {
  if (lines.length === 0) await pause(ms, context.signal, "evaluating");
  for (const line of lines) {
    context.status(line);
    await pause(ms / lines.length, context.signal, "evaluating");
  }
}

/** The experiment after the last one shown is shown first. */
const rotated = (lines: readonly string[], turn: number): string[] =>
  lines.map((_, index) => lines[(index + turn) % lines.length] ?? "");

/**
 * Cuts a local copy back to the last line that v4v-bench keeps when it takes a run up again: samples of a step that did
 * not end are measured once more, and would be here twice.
 */
function cutToLastStep(path: string): void {
  if (!existsSync(path)) return;
  const text = readFileSync(path, "latin1");
  let kept = 0;
  for (
    let start = 0, end = text.indexOf("\n");
    end >= 0;
    start = end + 1, end = text.indexOf("\n", start)
  ) {
    if (/^\{"type":"(start|step|end)"/.test(text.slice(start, start + 20))) kept = end + 1;
  }
  truncateSync(path, kept);
}

/** The run's bill of materials; a testbed that cannot be described is measured all the same. */
async function writeBill(
  context: Context,
  { bill, facts }: EvaluationInputs,
  startedAt: string,
  directory: string,
): Promise<void> {
  const path = join(directory, BILL);
  if (bill === undefined || existsSync(path)) return;
  try {
    // Loaded here: each start of the plug-in would pay for the library otherwise.
    const { billOf } = await import("./bill.ts");
    await replaceFile(path, billOf(bill, { startedAt, ...facts }));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    context.warn(`the run gets no bill of materials (${BILL}): ${why}`);
  }
}

/** A run that is under way. */
interface Sitting {
  /** In dom0. */
  folder: string;
  unit: string;
  /** On the controller. */
  directory: string;
  /** The local copy. */
  samples: string;
  domains: readonly PlanDomain[];
  plan: Plan;
  reader: SamplesReader;
  progress: Progress;
}

const noteProgress = (directory: string, lines: readonly string[]): Promise<void> =>
  replaceFile(join(directory, PROGRESS), JSON.stringify(lines));

const gateFile = ({ folder, progress }: Sitting) => ({
  path: `${folder}/gate`,
  content: renderGate(progress.decision),
  mode: 0o600,
});

/** Until the unit ends: brings its samples home, says how it goes, and how far it may go. */
async function follow(
  context: Context,
  remote: Remote,
  sitting: Sitting,
  pace: Pace,
): Promise<{ exit: string; ended: string[] }> {
  const { folder, unit, directory, samples, domains, plan, reader, progress } = sitting;
  const { file } = reader;
  let { decision } = progress;
  for (let turn = 0; ;) {
    const waits = decision.until < plan.steps.length;
    const expected = (waits ? progress.msToLook(file) : undefined) ?? pace.look;
    const wait = Math.min(pace.look, Math.max(pace.shortLook, expected));
    const lines = progress.lines(file);
    await noteProgress(directory, lines);
    const most = Math.max(1, Math.floor(wait / pace.line));
    const shown = file.progress === null ? [] : rotated(lines, turn).slice(0, most);
    await show(context, shown, wait);
    turn += most;
    const { status, gone, news } = await look(remote, folder, samples, domains);
    reader.push(news);
    progress.update(file);
    if (gone.length > 0) {
      // Every step left would wait for it in vain.
      await remote.tryRun("stopping the evaluation", 'systemctl stop "$1"', unit);
      return { exit: "stopped", ended: gone };
    }
    if (status !== undefined) return { exit: status, ended: [] };
    if (progress.decision !== decision) {
      decision = progress.decision;
      await remote.write([gateFile(sitting)]);
    }
  }
}

/** For the report, which else would not know that a GPU was to be measured. The file may end within a line. */
function noteGpuFailure(path: string, reason: string): void {
  const cut = existsSync(path) && !/(^|\n)$/.test(readFileSync(path, "utf8"));
  const line = JSON.stringify({ type: "gpu-failed", reason: reason.slice(0, 1000) });
  appendFileSync(path, `${cut ? "\n" : ""}${line}\n`);
}

/** The GPU's legs, after everything else: what fails there costs no other number. */
async function measureGpu(
  context: Context,
  remote: Remote,
  { gpu, profile, selection = WHOLE_PROFILE, seed, domains }: EvaluationInputs,
  run: { folder: string; directory: string; runId: string },
  pace: Pace,
): Promise<void> {
  const chosen = selectGpu(profile, gpu ?? [], selection);
  if (chosen === undefined) return;
  const { folder, directory, runId } = run;
  try {
    const { log, status } = await runGpuLegs(context, remote, {
      folder,
      directory,
      plan: renderGpuPlan(
        gpuLegs(
          chosen.points,
          chosen.routes,
          domains.map(({ name }) => name),
          seed,
        ),
      ),
      unit: `v4v-gpu-${runId}.service`,
      everySeconds: pace.look / 1000,
      noted: (line) => noteProgress(directory, [line]),
    });
    writeFileSync(join(directory, "logs", "gpu-drive.log"), log);
    if (status !== "exited 0")
      throw new Error(`gpu-drive ${status}; logs/gpu-drive.log has what it said`);
  } catch (error) {
    context.signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    context.warn(`the GPU's part of the evaluation is not complete: ${why}`);
    noteGpuFailure(join(directory, GPU_SAMPLES), why);
  } finally {
    rmSync(join(directory, PROGRESS), { force: true });
  }
}

/** Keys of domUs of other hosts, for this one's dom0. */
const ELSEWHERE = `${REMOTE}/elsewhere`;

/** dom0 knows its own domUs by their names; the others it reaches as they do, by their address. */
const agentElsewhere = ({ name, addr }: Pick<PlanDomain, "name" | "addr">): string =>
  [
    "ssh -F /etc/v4v-testbed/ssh_config",
    `-o HostName=${addr} -o HostKeyAlias=${name}`,
    // One that does not know the host ends ssh.
    `-o KnownHostsCommand=none -o UserKnownHostsFile=${ELSEWHERE}`,
    `${name} v4v-bench agent`,
  ].join(" ");

/** Whether the counters of the path are asked: where everything is measured, and there is V4V to ask about. */
export const asksPath = (
  profile: string,
  transports: readonly Transport[],
  selection: Selection = WHOLE_PROFILE,
): boolean =>
  profile !== "smoke" &&
  selection.experiments === WHOLE_PROFILE.experiments &&
  selection.transports === WHOLE_PROFILE.transports &&
  transports.includes("v4v") &&
  transports.includes("v4v-sockets");

/** What fails there costs no number: the claims that rest on it say so. */
async function askPath(
  context: Context,
  remote: Remote,
  { profile, transports, selection }: EvaluationInputs,
  domains: readonly PlanDomain[],
  run: { folder: string; directory: string },
): Promise<void> {
  const [client, server] = domains;
  if (client === undefined || server === undefined) return;
  if (!asksPath(profile, transports, selection)) return;
  context.status("asking the counters of the path");
  try {
    await provePath(remote, run.folder, run.directory, client, server);
  } catch (error) {
    context.signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    context.warn(`the counters of the path were not read: ${why}`);
  }
}

async function measure(
  context: Context,
  inputs: EvaluationInputs,
  pace: Pace,
): Promise<Artifacts & { runId: string; directory: string }> {
  const profile = profileNamed(inputs.profile);
  if (profile === null)
    throw new Refused("evaluation.profile is none: there is nothing to measure");
  const names = inputs.domains.map((domain) => domain.name);
  const selection = inputs.selection ?? WHOLE_PROFILE;
  const selected = specialise(profile, selection, names.length);
  // Of several other hosts the first stands for all.
  const elsewhere = selection.experiments === "all" ? (inputs.elsewhere?.[0] ?? []) : [];
  const plan = buildPlan({
    profile: elsewhere.length === 0 ? selected : betweenHosts(selected),
    domains: names,
    elsewhere: elsewhere.map(({ name }) => name),
    transports: inputs.transports,
    seed: inputs.seed,
  });
  const domains: PlanDomain[] = inputs.domains.map((domain) => ({
    ...domain,
    agent: `ssh -F /etc/v4v-testbed/ssh_config ${domain.name} v4v-bench agent`,
  }));
  const others = elsewhere.map(({ name, domid, addr, cid }): PlanDomain => ({
    name,
    domid,
    addr,
    cid,
    agent: agentElsewhere({ name, addr }),
  }));
  const text = renderPlan(plan, [...domains, ...others]);

  // What decides on further repetitions is no part of the text.
  const whole = plan.further === undefined ? text : text + JSON.stringify(plan.further);
  const remote = new Remote(inputs.connection, context.signal);
  const bootId = await remote.run("asking dom0 when it started", `cat ${BOOT_ID}`);
  const identity = identityOf(whole, inputs, context.urn, bootId.trim());
  const run =
    (await takeUp(context, remote, inputs.artifacts, identity)) ?? newRun(inputs.profile, identity);
  const directory = join(inputs.artifacts, run.runId);
  mkdirSync(join(directory, "logs"), { recursive: true });
  writeFileSync(join(directory, UNFINISHED), JSON.stringify(run));
  await writeBill(context, inputs, run.startedAt, directory);
  const samples = join(directory, SAMPLES);
  const folder = `${REMOTE}/${run.runId}`;
  const unit = `v4v-evaluation-${run.runId}.service`;
  const reader = new SamplesReader();
  if (existsSync(samples)) reader.push(readFileSync(samples, "utf8"));
  const progress = new Progress(plan, reader.file);
  const sitting: Sitting = { folder, unit, directory, samples, domains, plan, reader, progress };
  await remote.write([
    { path: `${folder}/plan`, content: text, mode: 0o600 },
    ...(plan.further === undefined ? [] : [gateFile(sitting)]),
    ...(elsewhere.length === 0
      ? []
      : [
          {
            path: ELSEWHERE,
            content: elsewhere.map(({ name, hostKey }) => `${name} ${hostKey}\n`).join(""),
            mode: 0o644,
          },
        ]),
  ]);
  const there = reader.file.steps.length;
  context.status(
    there === 0
      ? `starting run ${run.runId}: ${estimateText(estimate(selected, inputs.transports, names.length))} (estimate for an emulated machine)`
      : `going on with run ${run.runId} after step ${there} of ${plan.steps.length}`,
  );
  const options = [...cpuOptions(plan), ...gateOptions(plan)];
  await remote.run("ending runs that were given up", END_OTHERS, run.runId);
  await remote.run("starting the evaluation", START, folder, unit, ...options);

  const { exit, ended } = await follow(context, remote, sitting, pace);
  rmSync(join(directory, PROGRESS), { force: true });
  const log = (await remote.readFile(`${folder}/log`)) ?? "";
  writeFileSync(join(directory, "logs", "v4v-bench.log"), log);
  const failed = exit !== "exited 0";
  const conditions: Record<string, string> = failed
    ? {}
    : await conditionsOf(remote, domains[0]?.name ?? "");
  const facts: RunFacts = {
    runId: run.runId,
    startedAt: run.startedAt,
    endedAt: new Date().toISOString(),
    domains: [...domains, ...others],
    ...(Object.keys(conditions).length > 0 && { conditions }),
    ...inputs.facts,
  };
  if (failed) {
    context.status("drawing the report");
    // What was measured so far is worth a look; its report says that it is not complete.
    const report = await writeArtifacts({ directory, plan, facts }).then(
      ({ paths }) => paths.report,
      () => samples,
    );
    if (ended.length > 0) {
      throw new Error(
        `${ended.join(", ")} ended while being measured; what there is so far: ${report}. ` +
          `The next up makes the domain again and measures anew`,
      );
    }
    throw new RemoteFailure(
      `the evaluation (run ${run.runId}; what there is so far: ${report})`,
      remote.name,
      1,
      `${exit}\n${log}`,
    );
  }
  await askPath(context, remote, inputs, domains, { folder, directory });
  await measureGpu(context, remote, inputs, { folder, directory, runId: run.runId }, pace);
  context.status("drawing the report");
  const artifacts = await writeArtifacts({
    directory,
    plan,
    facts: { ...facts, endedAt: new Date().toISOString() },
  });
  rmSync(join(directory, UNFINISHED));
  await markLatest(directory);
  await remote.run("removing the run from dom0", 'rm -rf -- "$1"', folder);
  return { ...artifacts, runId: run.runId, directory };
}

/** One evaluation: measured by a detached unit in dom0, its samples brought home as they appear, its report drawn here. */
export const evaluationOf = (pace: Pace): Resource => ({
  deadlines: { create: 1800, update: 1800, delete: 60 },
  quietInputs: ["connection", "domains", "elsewhere", "artifacts", "bill"],

  id: (inputs) => `evaluation@${typed<EvaluationInputs>(inputs).connection.host}`,

  check: (inputs) =>
    Promise.resolve({
      inputs,
      failures: missing(inputs, [
        "connection",
        "domains",
        "profile",
        "transports",
        "seed",
        "generation",
        "facts",
        "artifacts",
      ]),
    }),

  async ensure(context: Context, properties: Properties): Promise<Properties> {
    const result = await measure(context, typed<EvaluationInputs>(properties), pace);
    const outputs: EvaluationOutputs = {
      runId: result.runId,
      path: result.directory,
      report: result.paths.report,
      manifestHash: result.manifestHash,
      complete: result.complete,
      claims: result.claims.map(({ id, verdict }) => ({ id, verdict })),
    };
    return { ...outputs };
  },

  // A result is a fact about the past: nothing on the host can change it.
  read: (_context: Context, prior: Prior) =>
    Promise.resolve({ inputs: prior.inputs, outputs: prior.outputs }),

  // Artifacts are what all this was for: destroy keeps them.
  delete: () => Promise.resolve(),
});

export const evaluationResource = evaluationOf(USUAL_PACE);
