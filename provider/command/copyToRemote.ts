import { randomBytes } from "node:crypto";
import { missing, typed } from "../inputs.ts";
import type { Context, Prior, Properties, Resource, Value } from "../resource.ts";
import { Remote } from "../ssh/remote.ts";
import { toConnection, type CommandConnection } from "./connection.ts";

interface CopyInputs {
  connection: CommandConnection;
  source: Value;
  remotePath: string;
  triggers?: unknown[];
}

/** Marks an asset among property values. Source: sdk/go/common/resource/sig/sig.go. */
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const ASSET_SIGNATURE = "c44067f5952c0a294b673a41bacd8c17";

interface FileAsset {
  path?: string;
  text?: string;
}

function assetOf(source: Value): FileAsset {
  if (
    typeof source === "object" &&
    source !== null &&
    !Array.isArray(source) &&
    source[SIGNATURE_KEY] === ASSET_SIGNATURE
  ) {
    return source;
  }
  throw new Error(
    "source must be a FileAsset or StringAsset; archives are not served by the drop-in",
  );
}

/** `command:remote:CopyToRemote` of @pulumi/command 1.2, for single files. */
export const copyToRemote: Resource = {
  deadlines: { create: 600, update: 600, delete: 60 },
  replaceOn: ["triggers", "remotePath"],
  quietInputs: ["connection"],

  id: () => `copy${randomBytes(8).toString("hex")}`,

  check: (inputs) =>
    Promise.resolve({ inputs, failures: missing(inputs, ["connection", "source", "remotePath"]) }),

  async ensure(context: Context, properties: Properties): Promise<Properties> {
    const inputs = typed<CopyInputs>(properties);
    const remote = new Remote(toConnection(inputs.connection), context.signal);
    const asset = assetOf(inputs.source);
    if (asset.path !== undefined && asset.path !== "")
      await remote.upload(asset.path, inputs.remotePath, 0o644);
    else await remote.write([{ path: inputs.remotePath, content: asset.text ?? "", mode: 0o644 }]);
    return {};
  },

  read: (_context: Context, prior: Prior) =>
    Promise.resolve({ inputs: prior.inputs, outputs: prior.outputs }),

  // The official plugin leaves the copy where it is.
  delete: () => Promise.resolve(),
};
