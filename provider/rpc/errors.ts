import grpc from "@grpc/grpc-js";
import anyProto from "google-protobuf/google/protobuf/any_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import type { Properties } from "../resource.ts";
import { toStruct } from "./values.ts";

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An error as gRPC carries it to the engine. */
export function plainError(error: unknown): grpc.ServiceError {
  const message = messageOf(error);
  return Object.assign(new Error(message), {
    code: grpc.status.UNKNOWN,
    details: message,
    metadata: new grpc.Metadata(),
  });
}

/**
 * A create or update that failed half way: the engine saves what there is, and the next `up` goes on from it.
 * Source: pulumirpc.ErrorResourceInitFailed in proto/pulumi/provider.proto.
 */
export function unfinished(
  error: unknown,
  id: string,
  inputs: Properties,
  outputs: Properties,
): grpc.ServiceError {
  const detail = new providerProto.ErrorResourceInitFailed();
  detail.setId(id);
  detail.setProperties(toStruct(outputs));
  detail.setInputs(toStruct(inputs));
  detail.setReasonsList([messageOf(error)]);
  const packed = new anyProto.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statusProto.Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(messageOf(error));
  status.addDetails(packed);
  const failure = plainError(error);
  failure.metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return failure;
}
