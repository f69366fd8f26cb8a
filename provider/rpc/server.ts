import grpc from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import pluginProto from "@pulumi/pulumi/proto/plugin_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import type { Context, Prior, Properties, Resource } from "../resource.ts";
import { Refused, UNFINISHED } from "../resource.ts";
import { EngineLog } from "./engine.ts";
import { messageOf, plainError, unfinished } from "./errors.ts";
import { fromStruct, hasUnknown, inputDiff, toStruct } from "./values.ts";

/** What is recorded. Source: {@link UNFINISHED}. */
function priorOf(id: string, inputs: Properties, outputs: Properties): Prior {
  const { [UNFINISHED]: unfinished, ...tried } = outputs;
  return unfinished === true
    ? { id, inputs: tried, outputs: {}, unfinished }
    : { id, inputs, outputs };
}

type Handler<Request, Response> = (request: Request) => Promise<Response>;

interface Operation {
  urn: string;
  /** Seconds; 0 means the resource's own deadline. */
  timeout: number;
}

/**
 * A Pulumi resource provider over gRPC (proto/pulumi/provider.proto), for resources written as {@link Resource}.
 * Beside the dispatch it does what the SDK's own server leaves out: deadlines, cancellation, progress with the
 * resource's URN, and half-finished creates that are saved.
 */
export class ProviderServer {
  readonly #resources: ReadonlyMap<string, Resource>;
  readonly #version: string;
  readonly #stop = new AbortController();
  #log: EngineLog;
  #running = 0;

  constructor(
    version: string,
    resources: ReadonlyMap<string, Resource>,
    engineAddress: string | undefined,
  ) {
    this.#version = version;
    this.#resources = resources;
    this.#log = new EngineLog(engineAddress);
  }

  /** Ends what is running: operations fail with this reason and save what they have. */
  cancel(reason: string): void {
    this.#stop.abort(new Error(reason));
  }

  /** Requests that have not been answered yet. */
  get running(): number {
    return this.#running;
  }

  get #handlers() {
    return {
      attach: (request: pluginProto.PluginAttach) => {
        this.#log.close();
        this.#log = new EngineLog(request.getAddress());
        return Promise.resolve(new empty.Empty());
      },
      getPluginInfo: () => {
        const info = new pluginProto.PluginInfo();
        info.setVersion(this.#version);
        return Promise.resolve(info);
      },
      getSchema: () => {
        const response = new proto.GetSchemaResponse();
        response.setSchema("{}");
        return Promise.resolve(response);
      },
      checkConfig: (request: proto.CheckRequest) => {
        const response = new proto.CheckResponse();
        response.setInputs(request.getNews());
        return Promise.resolve(response);
      },
      diffConfig: () => {
        const response = new proto.DiffResponse();
        response.setChanges(proto.DiffResponse.DiffChanges.DIFF_NONE);
        return Promise.resolve(response);
      },
      configure: () => {
        const response = new proto.ConfigureResponse();
        // Without these the engine opens secrets before they come here, and closes them again in the state.
        response.setAcceptsecrets(false);
        response.setAcceptresources(false);
        response.setAcceptoutputs(false);
        response.setSupportspreview(true);
        return Promise.resolve(response);
      },
      check: (request: proto.CheckRequest) => this.#check(request),
      diff: (request: proto.DiffRequest) => this.#diff(request),
      create: (request: proto.CreateRequest) => this.#create(request),
      read: (request: proto.ReadRequest) => this.#read(request),
      update: (request: proto.UpdateRequest) => this.#update(request),
      delete: (request: proto.DeleteRequest) => this.#delete(request),
      cancel: () => {
        this.cancel("cancelled");
        return Promise.resolve(new empty.Empty());
      },
    };
  }

  /** The methods as grpc-js wants them; those that are not served answer UNIMPLEMENTED by themselves. */
  implementation(): grpc.UntypedServiceImplementation {
    const unary =
      <Request, Response>(
        handler: Handler<Request, Response>,
      ): grpc.handleUnaryCall<Request, Response> =>
      (call, callback) => {
        this.#running += 1;
        // In an async function what a handler throws before its first await is a rejection like any other.
        const answer = (async () => handler(call.request))().finally(() => {
          this.#running -= 1;
        });
        answer.then(
          (response) => {
            callback(null, response);
          },
          (error: unknown) => {
            callback(
              typeof error === "object" && error !== null && "metadata" in error
                ? (error as grpc.ServiceError)
                : plainError(error),
            );
          },
        );
      };
    return Object.fromEntries(
      Object.entries(this.#handlers).map(([name, handler]) => [
        name,
        unary(handler as Handler<unknown, unknown>),
      ]),
    );
  }

  #resource(urn: string): Resource {
    // urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>
    const type = urn.split("::")[2]?.split("$").at(-1) ?? "";
    const resource = this.#resources.get(type);
    if (resource === undefined) throw new Error(`this provider has no resource type ${type}`);
    return resource;
  }

  #context(operation: Operation, fallback: number): Context {
    const seconds = operation.timeout > 0 ? operation.timeout : fallback;
    const deadline = new AbortController();
    const timer = setTimeout(() => {
      deadline.abort(new Error(`not finished after ${seconds} s`));
    }, seconds * 1000);
    timer.unref();
    const { urn } = operation;
    return {
      urn,
      signal: AbortSignal.any([this.#stop.signal, deadline.signal]),
      status: (message) => {
        this.#log.send(urn, "info", message, true);
      },
      info: (message) => {
        this.#log.send(urn, "info", message, false);
      },
      warn: (message) => {
        this.#log.send(urn, "warning", message, false);
      },
    };
  }

  async #check(request: proto.CheckRequest): Promise<proto.CheckResponse> {
    const resource = this.#resource(request.getUrn());
    const news = fromStruct(request.getNews());
    const olds = request.getOlds() === undefined ? undefined : fromStruct(request.getOlds());
    const response = new proto.CheckResponse();
    const result = (await resource.check?.(news, olds)) ?? { inputs: news };
    response.setInputs(toStruct(result.inputs));
    response.setFailuresList(
      (result.failures ?? []).map(({ property, reason }) => {
        const failure = new proto.CheckFailure();
        failure.setProperty(property);
        failure.setReason(reason);
        return failure;
      }),
    );
    return response;
  }

  #diff(request: proto.DiffRequest): Promise<proto.DiffResponse> {
    const resource = this.#resource(request.getUrn());
    const prior = priorOf(
      request.getId(),
      fromStruct(request.getOldInputs()),
      fromStruct(request.getOlds()),
    );
    const news = fromStruct(request.getNews());
    const own = resource.diff?.(prior, news) ?? {};
    const inputs = inputDiff(prior, news, resource);
    const changed = [
      ...new Set([
        ...inputs.changed,
        ...(own.changed ?? []),
        ...(own.replace ?? []),
        ...(prior.unfinished === true ? [UNFINISHED] : []),
      ]),
    ];
    const replace = [...new Set([...inputs.replace, ...(own.replace ?? [])])];
    const response = new proto.DiffResponse();
    const { DIFF_SOME, DIFF_NONE } = proto.DiffResponse.DiffChanges;
    response.setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE);
    response.setDiffsList(changed);
    response.setReplacesList(replace);
    response.setDeletebeforereplace(resource.createBeforeDelete !== true);
    return Promise.resolve(response);
  }

  async #create(request: proto.CreateRequest): Promise<proto.CreateResponse> {
    const resource = this.#resource(request.getUrn());
    const inputs = fromStruct(request.getProperties());
    const response = new proto.CreateResponse();
    if (request.getPreview()) {
      response.setProperties(toStruct(inputs));
      return response;
    }
    const id = resource.id(inputs);
    response.setId(id);
    response.setProperties(await this.#make(request, resource, id, inputs, undefined));
    return response;
  }

  /** From nothing, or from what somebody who was interrupted has left. */
  async #make(
    request: proto.CreateRequest | proto.UpdateRequest,
    resource: Resource,
    id: string,
    inputs: Properties,
    prior: Prior | undefined,
  ) {
    const context = this.#context(
      { urn: request.getUrn(), timeout: request.getTimeout() },
      resource.deadlines.create,
    );
    try {
      const outputs = await resource.ensure(context, inputs, prior);
      return toStruct({ ...inputs, ...outputs });
    } catch (error) {
      if (error instanceof Refused) throw error;
      throw unfinished(error, id, inputs, { ...inputs, [UNFINISHED]: true });
    }
  }

  async #update(request: proto.UpdateRequest): Promise<proto.UpdateResponse> {
    const resource = this.#resource(request.getUrn());
    const inputs = fromStruct(request.getNews());
    const response = new proto.UpdateResponse();
    if (request.getPreview()) {
      response.setProperties(toStruct(inputs));
      return response;
    }
    const prior = priorOf(
      request.getId(),
      fromStruct(request.getOldInputs()),
      fromStruct(request.getOlds()),
    );
    if (prior.unfinished === true) {
      response.setProperties(await this.#make(request, resource, prior.id, inputs, prior));
      return response;
    }
    const context = this.#context(
      { urn: request.getUrn(), timeout: request.getTimeout() },
      resource.deadlines.update,
    );
    try {
      const outputs = await resource.ensure(context, inputs, prior);
      response.setProperties(toStruct({ ...inputs, ...outputs }));
      return response;
    } catch (error) {
      if (error instanceof Refused) throw error;
      // The old inputs stay recorded, so that the next `up` sees the change as still to be made.
      throw unfinished(error, prior.id, prior.inputs, prior.outputs);
    }
  }

  async #read(request: proto.ReadRequest): Promise<proto.ReadResponse> {
    const resource = this.#resource(request.getUrn());
    const recorded = fromStruct(request.getProperties());
    const prior = priorOf(request.getId(), fromStruct(request.getInputs()), recorded);
    const response = new proto.ReadResponse();
    if (prior.unfinished === true) {
      // Forgotten because it is not there, what there is of it would be nobody's to remove.
      response.setId(prior.id);
      response.setInputs(toStruct(prior.inputs));
      response.setProperties(toStruct(recorded));
      return response;
    }
    const context = this.#context(
      { urn: request.getUrn(), timeout: request.getTimeout() },
      resource.deadlines.update,
    );
    let truth: { inputs: Properties; outputs: Properties } | undefined;
    try {
      truth = await resource.read(context, prior);
    } catch (error) {
      // Only an answering machine can say that something is gone: what cannot be asked stays as it was.
      context.warn(`could not be looked at, its recorded state is kept: ${messageOf(error)}`);
      truth = prior;
    }
    if (truth !== undefined) {
      response.setId(prior.id);
      response.setInputs(toStruct(truth.inputs));
      response.setProperties(toStruct({ ...truth.inputs, ...truth.outputs }));
    }
    return response;
  }

  async #delete(request: proto.DeleteRequest): Promise<empty.Empty> {
    const resource = this.#resource(request.getUrn());
    const outputs = fromStruct(request.getProperties());
    // An engine that sends no inputs here still sends outputs, and those hold the inputs too.
    const inputs =
      request.getOldInputs() === undefined ? outputs : fromStruct(request.getOldInputs());
    const prior = priorOf(request.getId(), inputs, outputs);
    const context = this.#context(
      { urn: request.getUrn(), timeout: request.getTimeout() },
      resource.deadlines.delete,
    );
    await resource.delete(context, prior);
    return new empty.Empty();
  }
}

export { hasUnknown };
