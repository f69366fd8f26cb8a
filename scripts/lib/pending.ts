import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UNFINISHED } from "../../provider/resource.ts";
import { pastDeadLocks } from "./interrupted.ts";
import type { Output } from "./process.ts";
import { UserError } from "./userError.ts";
import type { Workspace } from "./workspace.ts";

/** Of a stack's state, what is looked at here. Source: sdk/go/common/apitype/core.go, ResourceV3 and OperationV2. */
interface Resource {
  urn: string;
  type: string;
  id?: string;
  /** Replaced, and still to be deleted. */
  delete?: boolean;
  /** Deleted, and still to be replaced. */
  pendingReplacement?: boolean;
  inputs?: object;
  outputs?: object;
  /** URN and id. */
  provider?: string;
  parent?: string;
  dependencies?: string[] | null;
  propertyDependencies?: Record<string, string[] | null> | null;
  deletedWith?: string;
}

export interface State {
  deployment?: {
    resources?: Resource[];
    pending_operations?: { type: string; resource: Resource }[];
  };
}

/** Undefined for a stack that is not there. */
export function exported(workspace: Workspace): State | undefined {
  const { code, stdout } = workspace.run("stack", "export", "--stack", workspace.stack);
  return code === 0 ? (JSON.parse(stdout) as State) : undefined;
}

/** Runs the engine, past the locks of engines that were killed. */
async function engine(
  workspace: Workspace,
  say: (line: string) => void,
  args: string[],
): Promise<void> {
  let output: Output = { code: 0, stdout: "", stderr: "" };
  const code = await pastDeadLocks(workspace, say, (hear) => {
    output = workspace.run(...args);
    hear?.(output.stderr + output.stdout);
    return Promise.resolve(output.code);
  });
  if (code === 0) return;
  throw new UserError(
    `pulumi ${args.join(" ")} failed:\n${output.stderr.trim() || output.stdout.trim()}`,
  );
}

/** URNs that have to be among the resources ahead of it: the engine takes no other state. */
const neededBy = ({ parent, dependencies, propertyDependencies, deletedWith }: Resource) =>
  [
    parent,
    deletedWith,
    ...(dependencies ?? []),
    ...Object.values(propertyDependencies ?? {}).flatMap((urns) => urns ?? []),
  ].filter((urn) => urn !== undefined && urn !== "");

/** Ours, whose deletions go by inputs and bear what is not there. */
const isOurs = (type: string): boolean => type.startsWith("v4v:index:");

/**
 * A state in which what a killed engine was making counts as made, and as {@link UNFINISHED}; without pending operations, as an import
 * has none. Undefined if there is nothing of ours.
 */
export function withPendingCreates(state: State): State | undefined {
  const resources = [...(state.deployment?.resources ?? [])];
  let adopted = 0;
  for (const { type, resource } of state.deployment?.pending_operations ?? []) {
    if (type !== "creating" || !isOurs(resource.type)) continue;
    const made: Resource = {
      ...resource,
      id: resource.urn.split("::").at(-1) ?? "",
      outputs: { ...resource.inputs, [UNFINISHED]: true },
    };
    const place = resources.findIndex((one) => one.urn === resource.urn && one.delete !== true);
    // Made by another engine since, or pending twice.
    if (place >= 0 && resources[place]?.pendingReplacement !== true) continue;
    const before = place < 0 ? resources : resources.slice(0, place);
    // Those of a stack that was taken down meanwhile are gone.
    const isThere = (urn: string | undefined) => before.some((one) => one.urn === urn);
    if (!neededBy(resource).every(isThere)) continue;
    if (!before.some(({ urn, id }) => `${urn}::${id}` === resource.provider)) continue;
    if (place < 0) resources.push(made);
    else resources[place] = made;
    adopted++;
  }
  if (adopted === 0) return undefined;
  return { ...state, deployment: { ...state.deployment, resources, pending_operations: [] } };
}

/** What a killed engine was making becomes the stack's. */
async function adopt(
  workspace: Workspace,
  say: (line: string) => void,
  adopted: State,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "v4v-state-"));
  try {
    // Secrets in it are encrypted, as they were where it came from.
    const file = join(folder, "state.json");
    writeFileSync(file, JSON.stringify(adopted), { mode: 0o600 });
    await engine(workspace, say, [
      ...["stack", "import", "--file", file],
      ...["--stack", workspace.stack],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Before `up`, what a killed engine left half recorded: it is made to its end, or deleted if it is not wanted any more. Operations on
 * what is recorded, and those of other plug-ins, are forgotten.
 */
export async function goOnFromPending(
  workspace: Workspace,
  say: (line: string) => void,
): Promise<void> {
  const state = exported(workspace);
  const count = state?.deployment?.pending_operations?.length ?? 0;
  if (state === undefined || count === 0) return;
  say(
    `An earlier run was killed in the middle of ${count === 1 ? "an operation" : `${count} operations`}; going on from there`,
  );
  const adopted = withPendingCreates(state);
  if (adopted !== undefined) {
    await adopt(workspace, say, adopted);
    return;
  }
  await engine(workspace, say, [
    ...["refresh", "--yes", "--skip-preview", "--clear-pending-creates"],
    ...["--stack", workspace.stack],
  ]);
}

/** Before `destroy`: also what a killed engine was making is taken down. */
export async function takePendingDown(
  workspace: Workspace,
  say: (line: string) => void,
  state: State | undefined,
): Promise<void> {
  const adopted = state && withPendingCreates(state);
  if (adopted === undefined) return;
  say("An earlier run was killed while it made something; that is taken down, too");
  await adopt(workspace, say, adopted);
}
