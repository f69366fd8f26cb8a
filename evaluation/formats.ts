import { Ajv, type ValidateFunction } from "ajv";
import { ACCELERATORS } from "./accelerator.ts";
import type { Manifest } from "./manifest.ts";
import type { Plan } from "./plan.ts";
import { EXPERIMENTS, KINDS } from "./profiles.ts";

/** A manifest.json or plan.json that is not one. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

const text = { type: "string" };
const whole = { type: "integer", minimum: 0 };
const texts = { type: "object", additionalProperties: text };
const object = (properties: Record<string, unknown>, optional: string[] = []) => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});

const domain = object({ name: text, domid: whole, addr: text, cid: whole, agent: text });
const step = object({
  id: whole,
  experiment: { enum: EXPERIMENTS },
  kind: { enum: KINDS },
  transport: text,
  size: whole,
  warmup: whole,
  count: whole,
  budgetMs: whole,
  repetition: whole,
  pairs: { type: "array", items: text },
});

const ajv = new Ajv({ strict: true, allErrors: true });

const positive = { type: "integer", minimum: 1 };

const isPlan = ajv.compile(
  object(
    {
      version: { const: 1 },
      profile: text,
      seed: whole,
      repetitions: whole,
      further: object(
        {
          most: positive,
          block: positive,
          budgetS: positive,
          first: { type: "array", items: { enum: EXPERIMENTS } },
        },
        ["first"],
      ),
      transports: { type: "array", items: text },
      steps: { type: "array", items: step, minItems: 1 },
    },
    ["further"],
  ),
);

const isManifest = ajv.compile(
  object(
    {
      version: { const: 1 },
      runId: { ...text, pattern: "^[A-Za-z0-9._-]+$" },
      startedAt: text,
      endedAt: text,
      command: text,
      settings: { type: "object" },
      versions: texts,
      builds: texts,
      machine: object({ cpuModel: text, cores: whole, memoryMiB: whole, os: text }),
      transports: texts,
      conditions: texts,
      accelerator: object({ kind: { enum: ACCELERATORS }, reason: text }),
      domains: { type: "array", items: domain },
      profile: text,
      seed: whole,
      plan: object({ sha256: text, fnv1a64: text }),
      complete: { type: "boolean" },
      artifacts: texts,
    },
    ["transports", "conditions"],
  ),
);

function parseAs(validate: ValidateFunction, name: string, json: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new FormatError(`${name}: not JSON`, { cause: error });
  }
  if (!validate(value)) {
    throw new FormatError(`${name}: ${ajv.errorsText(validate.errors, { dataVar: "it" })}`);
  }
  return value;
}

/** @throws FormatError */
export function parsePlan(json: string): Plan {
  return parseAs(isPlan, "plan.json", json) as Plan;
}

/** @throws FormatError */
export function parseManifest(json: string): Manifest {
  return parseAs(isManifest, "manifest.json", json) as Manifest;
}
