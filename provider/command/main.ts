import type { Resource } from "../resource.ts";
import { serve } from "../rpc/serve.ts";
import { copyToRemote } from "./copyToRemote.ts";
import { remoteCommand } from "./remoteCommand.ts";

/** The part of @pulumi/command's schema that this project uses, for machines that cannot download its binary. */
await serve(
  "1.2.1",
  new Map<string, Resource>([
    ["command:remote:Command", remoteCommand],
    ["command:remote:CopyToRemote", copyToRemote],
  ]),
);
