import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runFolder } from "../../provider/host/folders.ts";
import { machineProcesses } from "../../provider/qemu/machine.ts";
import { sshConfigPath } from "../../provider/ssh/clientConfig.ts";
import { markersIn } from "./audit.ts";
import { asRootOfDom0, hostNames, onExistingHost } from "./dom0.ts";
import { judge, type Answer, type Expected, type Problem } from "./health.ts";
import { byName, domainsIn } from "./machines.ts";
import { parseProbe, probeCommand, PROBE_SECONDS, type HostProbe } from "./probe.ts";
import { capture } from "./process.ts";
import { latestRun, listRuns, progressOf, runUnderWay } from "./runs.ts";
import { readState, StateOutOfReach, textOf, workerOf, type StackState } from "./state.ts";
import { ARTIFACTS, PROJECT } from "./workspace.ts";

export interface DomainStatus {
  name: string;
  address: string;
  /** As xl says, or `absent`; undefined if dom0 was not heard. */
  state?: string;
  domid?: number;
  cid?: number;
  memoryMiB?: number;
  /** Whether its SSH answers. */
  ssh?: boolean;
  /** srcversion of its V4V module; null: none is loaded; absent: not asked. */
  module?: string | null;
  /** Of several hosts, which it is on, if that is not the first. */
  host?: string;
}

export interface Status {
  stack: string;
  healthy: boolean;
  problems: Problem[];
  /** Process and accelerator of the emulated machine; absent if it does not run. */
  machine?: { pid: number; accelerator?: string };
  /** It is on a host that is somebody else's, and has no machine. */
  existing?: boolean;
  /** The run under way; nobody in the testbed is asked meanwhile. */
  measuring?: string;
  /** Where each of its experiments is, a line each; empty until that is known. */
  progress?: string[];
  host?: {
    uptimeSeconds: number;
    memoryMiB: number;
    availableMiB: number;
    module: string | null;
    xen: { version: string; buildId: string } | null;
  };
  expected: { buildId: string | null; module: string | null };
  domains: DomainStatus[];
  evaluation: { run: string; complete: boolean; report: string } | null;
  sshConfig?: string;
}

/** The accelerator that a machine was started with, from its arguments. */
function acceleratorOf(pid: number): string | undefined {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return args[args.indexOf("-accel") + 1]?.split(",")[0];
  } catch {
    return undefined; // It ended at this moment.
  }
}

/** What a stack's state says it ought to be; without a state, the domUs that its ssh configuration names. */
export function expectedOf(state: StackState | undefined, folder: string): Expected {
  const of = (type: string) => state?.resources.find((resource) => resource.type === type);
  const domains = (state?.resources ?? [])
    .filter(({ type }) => type === "v4v:index:Domain")
    .map(({ name, inputs }) => {
      const host = textOf(inputs, "jump");
      return {
        name: textOf(inputs, "name") ?? name,
        address: textOf(inputs, "address") ?? "",
        ...(host !== undefined && { host }),
      };
    });
  const half = (state?.resources ?? []).filter(({ unfinished }) => unfinished);
  return {
    buildId: textOf(of("v4v:index:Hypervisor")?.inputs, "buildId"),
    module: textOf(of("v4v:index:Module")?.inputs, "srcversion"),
    domains: domains.length > 0 ? domains.sort(byName) : domainsIn(folder),
    unfinished: [
      ...(state?.pending ?? []),
      ...half.map(({ type, name }) => `${type.split(":").at(-1) ?? type} ${name}`),
    ],
  };
}

/** What ssh said when it failed, or that it said nothing in time. */
function failureOf(code: number, stderr: string, seconds: number): string {
  if (code === 127) return "ssh is not installed on this computer";
  if (stderr.includes("ETIMEDOUT")) return `no answer in ${seconds} s`;
  if (stderr.toLowerCase().includes("host key verification failed"))
    return "something with another host key answers on its port";
  return stderr.trim().split("\n").at(-1) ?? "";
}

function ask(config: string, deep: boolean, host = "host"): Answer {
  const seconds = deep ? PROBE_SECONDS.deep : PROBE_SECONDS.quick;
  const args = [
    "-F",
    config,
    "-o",
    "BatchMode=yes",
    "-o",
    `ConnectTimeout=${PROBE_SECONDS.quick - 2}`,
  ];
  const { code, stdout, stderr } = capture(
    "ssh",
    [...args, host, asRootOfDom0(config, probeCommand(deep), host)],
    process.env,
    seconds * 1000,
  );
  return code === 0 ? parseProbe(stdout) : { failure: failureOf(code, stderr, seconds) };
}

function domainStatus(
  { name, address }: { name: string; address: string },
  host: HostProbe | undefined,
): DomainStatus {
  if (host === undefined) return { name, address };
  const seen = host.domains.find((domain) => domain.name === name);
  if (seen === undefined) return { name, address, state: "absent" };
  const { state, domid, memoryMiB } = seen;
  const said = host.guests.get(name);
  return {
    name,
    address,
    state,
    domid,
    cid: domid + 2,
    memoryMiB,
    ssh: said !== undefined,
    ...(said !== undefined && said !== "greets" && { module: said === "none" ? null : said }),
  };
}

function evaluationOf(state: StackState | undefined): Status["evaluation"] {
  const own = textOf(
    state?.resources.find(({ type }) => type === "v4v:index:Evaluation")?.outputs,
    "runId",
  );
  const run =
    listRuns(ARTIFACTS).find(({ id }) => id === own) ??
    (own === undefined ? latestRun(ARTIFACTS) : undefined);
  return run === undefined
    ? null
    : { run: run.id, complete: run.lacks === undefined, report: join(run.path, "report.html") };
}

/** A stack's state, or why it could not be had. */
function stateOf(stack: string): { state?: StackState | undefined; stateless?: string } {
  try {
    return { state: readState(stack) };
  } catch (error) {
    if (error instanceof StateOutOfReach) return { stateless: error.message };
    throw error;
  }
}

/** Looks at a stack: its folder, its state, its process, and dom0 by one login. An engine is asked for a state elsewhere alone. */
export function look(stack: string, deep = false): Status {
  const folder = runFolder(PROJECT, stack);
  const config = sshConfigPath(folder);
  const { state, stateless } = stateOf(stack);
  const expected = expectedOf(state, folder);
  const up = existsSync(config);
  const pid = [...markersIn(folder)].flatMap(machineProcesses)[0]?.pid;
  const worker = workerOf(stack);
  const measuring = worker === undefined ? undefined : runUnderWay(ARTIFACTS);
  // A login costs dom0 half a second of the CPU that is being measured.
  const existing = up && onExistingHost(config);
  const asked = up && (existing || pid !== undefined) && measuring === undefined;
  const answer = asked ? ask(config, deep) : undefined;
  const further = asked
    ? hostNames(config)
        .slice(1)
        .map((name) => ({ host: name, answer: ask(config, deep, name) }))
    : [];
  const host = answer === undefined || "failure" in answer ? undefined : answer;
  const probeOf = (name: string | undefined): HostProbe | undefined => {
    const said = name === undefined ? answer : further.find((one) => one.host === name)?.answer;
    return said === undefined || "failure" in said ? undefined : said;
  };
  const made =
    state?.resources.some(
      ({ type, unfinished }) => type === "v4v:index:RunFolder" && !unfinished,
    ) ?? false;
  const problems = judge({
    ...{ stack, worker, up, made, existing, pid, expected, answer, further },
    ...(stateless !== undefined && { stateless }),
  });
  const accelerator = pid === undefined ? undefined : acceleratorOf(pid);
  return {
    stack,
    healthy: problems.length === 0,
    problems,
    ...(pid !== undefined && {
      machine: { pid, ...(accelerator !== undefined && { accelerator }) },
    }),
    ...(existing && { existing }),
    ...(measuring !== undefined && {
      measuring: measuring.id,
      progress: progressOf(measuring.path),
    }),
    ...(host !== undefined && {
      host: {
        uptimeSeconds: host.uptimeSeconds,
        memoryMiB: host.memoryMiB,
        availableMiB: host.availableMiB,
        module: host.module ?? null,
        xen: host.xen ?? null,
      },
    }),
    expected: { buildId: expected.buildId ?? null, module: expected.module ?? null },
    domains: expected.domains.map((domain) => ({
      ...domainStatus(domain, probeOf(domain.host)),
      ...(domain.host !== undefined && { host: domain.host }),
    })),
    evaluation: evaluationOf(state),
    ...(up && { sshConfig: config }),
  };
}
