import { isDeepStrictEqual } from "node:util";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import {
  UNKNOWN,
  type DiffResult,
  type Prior,
  type Properties,
  type Resource,
  type Value,
} from "../resource.ts";

type Struct = struct.Struct;

/** Properties of a request; a missing struct is an empty one. */
export function fromStruct(value: Struct | undefined): Properties {
  return value?.toJavaScript() ?? {};
}

/** Properties for a response; undefined members are left out, as JSON does. */
export function toStruct(properties: Properties): Struct {
  return struct.Struct.fromJavaScript(
    JSON.parse(JSON.stringify(properties)) as Parameters<typeof struct.Struct.fromJavaScript>[0],
  );
}

/** Whether a value is, or holds, something that is not known before the update runs. */
export function hasUnknown(value: Value | undefined): boolean {
  if (value === UNKNOWN) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return typeof value === "object" && value !== null && Object.values(value).some(hasUnknown);
}

/** Names of the inputs that differ; one that is not known yet counts as changed. */
export function changedInputs(old: Properties, next: Properties): string[] {
  const names = new Set([...Object.keys(old), ...Object.keys(next)]);
  return [...names]
    .filter((name) => hasUnknown(next[name]) || !isDeepStrictEqual(old[name], next[name]))
    .sort();
}

/**
 * The comparison every resource gets: inputs by value, without the quiet ones; those in `replaceOn` ask for a
 * replacement.
 */
export function inputDiff(
  prior: Prior,
  next: Properties,
  { replaceOn = [], quietInputs = [] }: Pick<Resource, "replaceOn" | "quietInputs">,
): DiffResult {
  const changed = changedInputs(prior.inputs, next).filter((name) => !quietInputs.includes(name));
  // A value not known yet may turn out unchanged: a replacement is announced only for a known difference.
  const replace = changed.filter((name) => replaceOn.includes(name) && !hasUnknown(next[name]));
  return { changed, replace };
}
