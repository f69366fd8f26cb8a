import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import type resources from "@pulumi/pulumi/proto/resource_pb.js";
import { vi } from "vitest";

type Inputs = Record<string, unknown>;
type RegisterRequest = resources.RegisterResourceRequest;
type RegisterResponse = resources.RegisterResourceResponse;

/** What the program asked the engine for, once for each resource. */
export interface Registered {
  type: string;
  name: string;
  /** As the engine gets them: what is secret is wrapped. */
  wire: Inputs;
  /** The same, secrets opened. */
  inputs: Inputs;
  parent: string;
  dependencies: string[];
  deletedWith: string;
  timeouts: { create: string; update: string };
  urn: string;
}

/** Marks a secret among property values. Source: sdk/go/common/resource/sig/sig.go. */
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

const isObject = (value: unknown): value is Inputs => typeof value === "object" && value !== null;

const isSecret = (value: unknown): value is { value: unknown } =>
  isObject(value) && value[SIGNATURE_KEY] === SECRET;

/** A value with its secrets opened. */
export function opened(value: unknown): unknown {
  if (isSecret(value)) return opened(value.value);
  if (Array.isArray(value)) return value.map(opened);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, opened(inner)]));
}

/** Every text of a value that is not inside a secret. */
export function plainTexts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return isObject(value) && !isSecret(value) ? Object.values(value).flatMap(plainTexts) : [];
}

/** Outputs that a provider would add to its inputs; they are enough to see where each one goes. */
export type Outputs = (type: string, name: string, inputs: Inputs) => Inputs;

/**
 * An engine that registers everything and runs nothing: Pulumi's own mocks, with the requests kept. An output comes back
 * as a secret where the program says so or gave it as a secret input, as the engine does it.
 */
export class Engine {
  readonly registered: Registered[] = [];
  #secretOutputs: string[] = [];

  /** Runs a program against the engine until everything that it registers is registered. */
  static async run<T>(
    program: () => T | Promise<T>,
    { outputs = () => ({}), preview = false }: { outputs?: Outputs; preview?: boolean } = {},
  ): Promise<{ engine: Engine; result: T }> {
    const engine = new Engine();
    const spy = engine.#listen();
    try {
      const newResource = ({ type, name, inputs }: pulumi.runtime.MockResourceArgs) => {
        const given = inputs as Inputs;
        const more = preview ? {} : outputs(type, name, opened(given) as Inputs);
        return {
          id: preview ? undefined : `${name}-id`,
          state: { ...given, ...engine.#close(more) },
        };
      };
      await pulumi.runtime.setMocks(
        { call: () => ({}), newResource },
        "v4vsockets-testbed",
        "unit",
        preview,
      );
      const result = await program();
      await pulumi.runtime.disconnect();
      return { engine, result };
    } finally {
      spy.mockRestore();
    }
  }

  #close(outputs: Inputs): Inputs {
    const secret = this.#secretOutputs;
    return Object.fromEntries(
      Object.entries(outputs).map(([key, value]) => [
        key,
        secret.includes(key) ? { [SIGNATURE_KEY]: SECRET, value } : value,
      ]),
    );
  }

  #listen() {
    const { registered } = this;
    const secrets = (names: string[]): void => {
      this.#secretOutputs = names;
    };
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
    const original = MockMonitor.prototype.registerResource;
    return vi.spyOn(MockMonitor.prototype, "registerResource").mockImplementation(function (
      this: MockMonitor,
      request: RegisterRequest,
      callback,
    ) {
      const wire = (request.getObject()?.toJavaScript() ?? {}) as Inputs;
      const timeouts = request.getCustomtimeouts();
      // The mock is called before the first await, so these are its own.
      secrets(request.getAdditionalsecretoutputsList());
      return original.call(this, request, (error: unknown, response: RegisterResponse) => {
        registered.push({
          type: request.getType(),
          name: request.getName(),
          wire,
          inputs: opened(wire) as Inputs,
          parent: request.getParent(),
          dependencies: request.getDependenciesList(),
          deletedWith: request.getDeletedwith(),
          timeouts: { create: timeouts?.getCreate() ?? "", update: timeouts?.getUpdate() ?? "" },
          urn: (response as RegisterResponse | undefined)?.getUrn() ?? "",
        });
        callback(error, response);
      });
    });
  }

  of(type: string): Registered[] {
    return this.registered.filter((resource) => resource.type === type);
  }

  one(type: string, name?: string): Registered {
    const [found, ...others] = this.of(type).filter((r) => name === undefined || r.name === name);
    if (found === undefined || others.length > 0)
      throw new Error(
        `not one ${type} ${name ?? ""}: ${this.of(type)
          .map((r) => r.name)
          .join(" ")}`,
      );
    return found;
  }

  /** Names of everything that has to be there before a resource, direct or not; a parent waits for its own. */
  before(resource: Registered): Set<string> {
    const names = new Set<string>();
    const walk = ({ dependencies, parent }: Registered): void => {
      for (const found of this.registered) {
        if (found.urn === parent) walk(found);
        if (!dependencies.includes(found.urn) || names.has(found.name)) continue;
        names.add(found.name);
        walk(found);
      }
    };
    walk(resource);
    return names;
  }
}

/** The value of an output, once everything is registered; undefined where it is not known. */
export async function valueOf<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  const { isKnown, promise } = output as unknown as {
    isKnown: Promise<boolean>;
    promise: () => Promise<T>;
  };
  return (await isKnown) ? await promise() : undefined;
}
