import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../provider/ssh/target.ts";

/** A machine that answers over SSH: what the components that build on it need to know. */
export interface Host {
  /** A secret: it holds the login key. */
  connection: pulumi.Output<Connection>;
  /** Another value after each start of the machine. */
  incarnation: pulumi.Output<string>;
  /** Its console on the controller. */
  consoleLog: pulumi.Output<string>;
  /** The resource without which nothing on the host needs to be removed one by one. */
  resource: pulumi.Resource;
}
