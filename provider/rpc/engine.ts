import grpc from "@grpc/grpc-js";
import engineRpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";

export type Severity = "info" | "warning" | "error";

const severities = {
  info: engineProto.LogSeverity.INFO,
  warning: engineProto.LogSeverity.WARNING,
  error: engineProto.LogSeverity.ERROR,
} as const;

/** The engine's own log: lines sent here appear beside the resource that they are about. */
export class EngineLog {
  readonly #client: InstanceType<typeof engineRpc.EngineClient> | undefined;

  /** @param address loopback address of the engine; undefined where the plugin runs by itself (tests) */
  constructor(address: string | undefined) {
    if (address !== undefined) {
      this.#client = new engineRpc.EngineClient(address, grpc.credentials.createInsecure());
    }
  }

  /** @param ephemeral progress that the display shows and then forgets */
  send(urn: string, severity: Severity, message: string, ephemeral: boolean): void {
    const request = new engineProto.LogRequest();
    request.setUrn(urn);
    request.setSeverity(severities[severity]);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    // A lost progress line is no reason to fail an operation.
    this.#client?.log(request, () => undefined);
  }

  close(): void {
    this.#client?.close();
  }
}
