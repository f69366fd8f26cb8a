import grpc from "@grpc/grpc-js";
import rpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type { Resource } from "../resource.ts";
import { ProviderServer } from "./server.ts";

/** gRPC's 4 MiB default is little for a report's worth of outputs; the engine itself allows 400 MiB. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Time between the request to end and the end, ms. */
const GRACE_MS = 4000;

/**
 * Serves resources as a Pulumi plugin: listens on loopback, prints the port, and lives as long as its parent.
 * The first argument, if any, is the engine's address.
 */
export async function serve(
  version: string,
  resources: ReadonlyMap<string, Resource>,
): Promise<void> {
  const engineAddress = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
  const provider = new ProviderServer(version, resources, engineAddress);
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  server.addService(rpc.ResourceProviderService, provider.implementation());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  // The engine ends its plugins by SIGINT and kills them 5 s later; what still runs gets that long to be saved.
  const leave = (reason: string, exitCode: number) => {
    provider.cancel(reason);
    const until = Date.now() + GRACE_MS;
    let idle = 0;
    setInterval(() => {
      // A few turns of idleness: the last answer has to leave the socket.
      idle = provider.running === 0 ? idle + 1 : 0;
      if (idle > 5 || Date.now() > until) process.exit(exitCode);
    }, 20);
  };
  process.on("SIGINT", () => {
    leave("interrupted", 0);
  });
  process.on("SIGTERM", () => {
    leave("terminated", 0);
  });
  // Only now: whoever has read the port may ask for the end.
  process.stdout.write(`${port}\n`);
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid === parent) return;
    // The engine was killed: nobody is left to save what an operation returns.
    leave("the Pulumi engine is gone", 1);
  }, 1000).unref();
}
