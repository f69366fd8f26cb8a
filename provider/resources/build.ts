import { existsSync } from "node:fs";
import { build } from "../build/cache.ts";
import { sourceDigest, type Recipe } from "../build/key.ts";
import { missing, typed } from "../inputs.ts";
import type { Context, Prior, Properties, Resource } from "../resource.ts";

/** Inputs of `v4v:index:Build`. */
export interface BuildInputs {
  /** Folder of the project that holds recipes/ and the sources. */
  project: string;
  recipe: string;
  parameters: Record<string, string>;
  sources: string[];
  dependencies: Record<string, string>;
  /** Filled in by check: what the sources hash to now. */
  sourceDigest?: string;
}

export interface BuildOutputs {
  path: string;
  key: string;
  facts: Record<string, string>;
}

function recipeOf(inputs: BuildInputs): Recipe {
  const { recipe, parameters, sources, dependencies } = inputs;
  return { name: recipe, parameters, sources, dependencies };
}

/** Something built on the controller and kept in the cache: image, build root, hypervisor, module, tools. */
export const buildResource: Resource = {
  deadlines: { create: 3600, update: 3600, delete: 60 },

  id: (inputs) => typed<BuildInputs>(inputs).recipe,

  check(properties) {
    const failures = missing(properties, [
      "project",
      "recipe",
      "parameters",
      "sources",
      "dependencies",
    ]);
    if (failures.length > 0) return Promise.resolve({ inputs: properties, failures });
    const inputs = typed<BuildInputs>(properties);
    const digest = sourceDigest(inputs.project, { name: inputs.recipe, sources: inputs.sources });
    return Promise.resolve({ inputs: { ...properties, sourceDigest: digest } });
  },

  async ensure(context: Context, properties: Properties): Promise<Properties> {
    const inputs = typed<BuildInputs>(properties);
    const entry = await build(
      inputs.project,
      recipeOf(inputs),
      inputs.sourceDigest ?? "",
      context.signal,
      (message) => {
        context.status(message);
      },
    );
    return { ...entry };
  },

  read(_context: Context, prior: Prior) {
    const { path } = typed<BuildOutputs>(prior.outputs);
    // A purged cache is rebuilt by the next `up`.
    return Promise.resolve(
      existsSync(path) ? { inputs: prior.inputs, outputs: prior.outputs } : undefined,
    );
  },

  // Caches outlive stacks: other stacks use them, and the next `up` is quick. `destroy --purge` removes them.
  delete: () => Promise.resolve(),
};
