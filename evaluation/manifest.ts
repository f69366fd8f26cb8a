import type { Accelerator } from "./accelerator.ts";
import { canonicalJson, fnv1a64, sha256 } from "./hash.ts";
import { renderPlan, type Plan, type PlanDomain } from "./plan.ts";

/** What the caller knows of a run. No member may hold a secret: the manifest is published with the results. */
export interface RunFacts {
  /** Name of the run and of its folder: A-Z a-z 0-9 . _ - */
  runId: string;
  /** RFC 3339, UTC. */
  startedAt: string;
  endedAt: string;
  /** Command that repeats the run. */
  command: string;
  /** The stack's settings, complete. */
  settings: Record<string, unknown>;
  /** Name to version: hypervisor, kernel, QEMU, Node, this project, ... */
  versions: Record<string, string>;
  /** Name of a build to SHA-256 of its result, hex. */
  builds: Record<string, string>;
  /** The computer that runs everything. */
  machine: { cpuModel: string; cores: number; memoryMiB: number; os: string };
  /** How each transport of the run was set up, in words; absent in runs of before it was recorded. */
  transports?: Record<string, string>;
  /** Scheduler, pinning and clocks as the host says; absent in runs of before they were recorded. */
  conditions?: Record<string, string>;
  /** What runs the emulated machine, and why that. */
  accelerator: { kind: Accelerator; reason: string };
  /** As written into the plan for v4v-bench. */
  domains: PlanDomain[];
}

/** manifest.json: what ran where, and which files came of it. */
export interface Manifest extends RunFacts {
  version: 1;
  profile: string;
  seed: number;
  plan: {
    /** Of the plan as canonical JSON. */
    sha256: string;
    /** Of the text given to v4v-bench, which marks its samples with it. */
    fnv1a64: string;
  };
  /** v4v-bench ran the plan to its end. */
  complete: boolean;
  /** SHA-256 of each file of the run folder, hex; the report, which shows this manifest, is not among them. */
  artifacts: Record<string, string>;
}

export interface ManifestInput {
  facts: RunFacts;
  plan: Plan;
  complete: boolean;
  /** See {@link Manifest.artifacts}. */
  artifacts: Record<string, string>;
}

/** SHA-256 of a plan; the same measurement gives the same hash, whatever ids the domains have. */
export function planHash(plan: Plan): string {
  return sha256(canonicalJson(plan));
}

export function buildManifest({ facts, plan, complete, artifacts }: ManifestInput): Manifest {
  return {
    version: 1,
    ...facts,
    profile: plan.profile,
    seed: plan.seed,
    plan: { sha256: planHash(plan), fnv1a64: fnv1a64(renderPlan(plan, facts.domains)) },
    complete,
    artifacts,
  };
}

/** SHA-256 of a manifest's contents, whatever the order of its members. */
export function manifestHash(manifest: Manifest): string {
  return sha256(canonicalJson(manifest));
}

/** The caller's part of a manifest. */
export function factsOf(manifest: Manifest): RunFacts {
  const { runId, startedAt, endedAt, command, settings, versions } = manifest;
  const { builds, machine, transports, conditions, accelerator, domains } = manifest;
  return {
    runId,
    startedAt,
    endedAt,
    command,
    settings,
    versions,
    builds,
    machine,
    ...(transports !== undefined && { transports }),
    ...(conditions !== undefined && { conditions }),
    accelerator,
    domains,
  };
}
