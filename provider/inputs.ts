import type { CheckFailure, Properties } from "./resource.ts";
import { hasUnknown } from "./rpc/values.ts";

/**
 * Inputs as the type that the program's resource class gives them. The class is the only caller and is type-checked;
 * {@link missing} catches a program in another language or a state written by an older version.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller says what it is
export function typed<T>(properties: Properties): T {
  return properties as unknown as T;
}

/** A failure for each required input that is absent; unknown values count as present. */
export function missing(inputs: Properties, required: readonly string[]): CheckFailure[] {
  return required
    .filter(
      (name) => !hasUnknown(inputs[name]) && (inputs[name] === undefined || inputs[name] === null),
    )
    .map((property) => ({ property, reason: "is required" }));
}
