import grpc from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import engineRpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import rpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import { ProviderServer } from "../../../provider/rpc/server.ts";
import { fromStruct, toStruct } from "../../../provider/rpc/values.ts";
import type { Properties, Resource } from "../../../provider/resource.ts";

/** The token under which the resource of a test is served. */
export const TYPE = "fake:index:Thing";
export const URN = `urn:pulumi:stack::project::v4v:testbed:Testbed$${TYPE}::thing`;

type Client = InstanceType<typeof rpc.ResourceProviderClient>;
type Unary<Request, Response> = (
  request: Request,
  metadata: grpc.Metadata,
  options: Partial<grpc.CallOptions>,
  callback: (error: grpc.ServiceError | null, response: Response) => void,
) => grpc.ClientUnaryCall;

function bind(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

/** Calls a method of the provider and waits for its answer, 20 s at most. */
export function ask<Request, Response>(
  client: Client,
  method: Unary<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + 20_000 };
    method.call(client, request, new grpc.Metadata(), options, (error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

export interface LogLine {
  urn: string;
  severity: number;
  message: string;
  ephemeral: boolean;
}

/** An engine's log service that keeps what it is told. */
export async function startEngine(): Promise<{
  address: string;
  lines: LogLine[];
  stop: () => void;
}> {
  const lines: LogLine[] = [];
  const server = new grpc.Server();
  const log: grpc.handleUnaryCall<engineProto.LogRequest, empty.Empty> = (call, callback) => {
    lines.push({
      urn: call.request.getUrn(),
      severity: call.request.getSeverity(),
      message: call.request.getMessage(),
      ephemeral: call.request.getEphemeral(),
    });
    callback(null, new empty.Empty());
  };
  server.addService(engineRpc.EngineService, { log });
  const port = await bind(server);
  return {
    address: `127.0.0.1:${port}`,
    lines,
    stop: () => {
      server.forceShutdown();
    },
  };
}

export interface Plugin {
  readonly client: Client;
  readonly provider: ProviderServer;
  readonly stop: () => void;
}

/** A provider that serves `resource` on loopback, as serve.ts does, and a client of it. */
export async function startPlugin(resource: Resource, engine?: string): Promise<Plugin> {
  const provider = new ProviderServer("1.2.3", new Map([[TYPE, resource]]), engine);
  const server = new grpc.Server();
  server.addService(rpc.ResourceProviderService, provider.implementation());
  const client = connectTo(await bind(server));
  return {
    client,
    provider,
    stop: () => {
      client.close();
      server.forceShutdown();
    },
  };
}

export function connectTo(port: number): Client {
  return new rpc.ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
}

/** What the engine saves of an operation that failed half way; undefined if it saves nothing. */
export function savedBy(error: unknown):
  | {
      message: string;
      id: string;
      inputs: Properties;
      outputs: Properties;
      reasons: string[];
    }
  | undefined {
  const { metadata } = error as grpc.ServiceError;
  const [binary] = metadata.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(binary)) return undefined;
  const status = statusProto.Status.deserializeBinary(binary);
  const [detail] = status.getDetailsList();
  if (detail?.getTypeUrl() !== "type.googleapis.com/pulumirpc.ErrorResourceInitFailed")
    throw new Error(`unexpected detail ${detail?.getTypeUrl() ?? "none"}`);
  const failed = proto.ErrorResourceInitFailed.deserializeBinary(detail.getValue_asU8());
  return {
    message: status.getMessage(),
    id: failed.getId(),
    inputs: fromStruct(failed.getInputs()),
    outputs: fromStruct(failed.getProperties()),
    reasons: failed.getReasonsList(),
  };
}

export function createRequest(
  inputs: Properties,
  options: { preview?: boolean; timeout?: number } = {},
) {
  const request = new proto.CreateRequest();
  request.setUrn(URN);
  request.setProperties(toStruct(inputs));
  request.setPreview(options.preview ?? false);
  request.setTimeout(options.timeout ?? 0);
  return request;
}

export function updateRequest(
  old: { inputs: Properties; outputs: Properties },
  inputs: Properties,
  options: { preview?: boolean; timeout?: number } = {},
) {
  const request = new proto.UpdateRequest();
  request.setUrn(URN);
  request.setId("the id");
  request.setOldInputs(toStruct(old.inputs));
  request.setOlds(toStruct(old.outputs));
  request.setNews(toStruct(inputs));
  request.setPreview(options.preview ?? false);
  request.setTimeout(options.timeout ?? 0);
  return request;
}

export function diffRequest(
  old: { inputs: Properties; outputs: Properties },
  inputs: Properties,
  urn = URN,
) {
  const request = new proto.DiffRequest();
  request.setUrn(urn);
  request.setId("the id");
  request.setOldInputs(toStruct(old.inputs));
  request.setOlds(toStruct(old.outputs));
  request.setNews(toStruct(inputs));
  return request;
}

export function readRequest(inputs: Properties, outputs: Properties) {
  const request = new proto.ReadRequest();
  request.setUrn(URN);
  request.setId("the id");
  request.setInputs(toStruct(inputs));
  request.setProperties(toStruct(outputs));
  return request;
}

export function checkRequest(inputs: Properties, old?: Properties, urn = URN) {
  const request = new proto.CheckRequest();
  request.setUrn(urn);
  request.setNews(toStruct(inputs));
  if (old !== undefined) request.setOlds(toStruct(old));
  return request;
}

export function deleteRequest(outputs: Properties, inputs?: Properties, timeout = 0) {
  const request = new proto.DeleteRequest();
  request.setUrn(URN);
  request.setId("the id");
  request.setProperties(toStruct(outputs));
  request.setTimeout(timeout);
  if (inputs !== undefined) request.setOldInputs(toStruct(inputs));
  return request;
}
