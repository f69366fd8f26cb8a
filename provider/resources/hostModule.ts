import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { sourceDigest } from "../build/key.ts";
import { lookAtHost } from "../existing/facts.ts";
import { buildOnHost } from "../existing/moduleBuild.ts";
import { installPackages } from "../existing/packages.ts";
import { missing, typed } from "../inputs.ts";
import type { Context, Prior, Properties, Resource } from "../resource.ts";
import { Remote } from "../ssh/remote.ts";
import type { Connection } from "../ssh/target.ts";

/** Inputs of `v4v:index:HostModule`: the V4V module for the kernel of a host that is somebody else's. */
export interface HostModuleInputs {
  connection: Connection;
  project: string;
  /** What the controller has built, and for which kernel: taken as it is if the host has that one. */
  built: { path: string; facts: Record<string, string> };
  /** Release of the host's kernel. */
  kernel: string;
  /** Folder of the host's notes, and the stack's on the controller. */
  state: string;
  runFolder: string;
  /** Filled in by check: what the sources hash to now. */
  sourceDigest?: string;
}

export interface HostModuleOutputs {
  path: string;
  facts: Record<string, string>;
}

const SOURCES = { name: "module", sources: ["kernel/linux", "kernel/include"] };

const outputOf = ({ runFolder, kernel }: HostModuleInputs) =>
  join(runFolder, "modules", encodeURIComponent(kernel));

/** The controller's build of the module where it fits the host's kernel, else one that the host makes with its headers. */
export const hostModuleResource: Resource = {
  deadlines: { create: 1800, update: 1800, delete: 60 },

  id: (inputs) => `module-build@${typed<HostModuleInputs>(inputs).connection.host}`,

  check(properties) {
    const failures = missing(properties, [
      "connection",
      "project",
      "built",
      "kernel",
      "state",
      "runFolder",
    ]);
    if (failures.length > 0) return Promise.resolve({ inputs: properties, failures });
    const { project } = typed<HostModuleInputs>(properties);
    return Promise.resolve({
      inputs: { ...properties, sourceDigest: sourceDigest(project, SOURCES) },
    });
  },

  async ensure(context: Context, properties: Properties): Promise<Properties> {
    const inputs = typed<HostModuleInputs>(properties);
    const { connection, built, kernel, state, project } = inputs;
    if (built.facts["kernel-release"] === kernel) return { ...built };
    const remote = new Remote(connection, context.signal);
    const facts = await lookAtHost(remote, state, []);
    if (facts.buildAptProblem !== "")
      throw new Error(
        `the V4V module has to be built on ${remote.name} for its kernel ${kernel}, and apt cannot install ` +
          `${facts.missingBuildPackages.join(", ")} there: ${facts.buildAptProblem} Mend its sources, run apt-get update there and up again`,
      );
    await installPackages(context, remote, state, facts.missingBuildPackages);
    context.status(`building the module there for kernel ${kernel}`);
    return { ...(await buildOnHost(remote, project, kernel, `${state}/build`, outputOf(inputs))) };
  },

  read(_context: Context, prior: Prior) {
    const { path } = typed<HostModuleOutputs>(prior.outputs);
    return Promise.resolve(
      existsSync(join(path, "v4v.ko"))
        ? { inputs: prior.inputs, outputs: prior.outputs }
        : undefined,
    );
  },

  delete(_context: Context, prior: Prior): Promise<void> {
    rmSync(outputOf(typed<HostModuleInputs>(prior.inputs)), { recursive: true, force: true });
    return Promise.resolve();
  },
};
