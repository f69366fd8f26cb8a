import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../provider/ssh/target.ts";
import type { Bridge } from "./network.ts";

/** A machine that answers over SSH: what the components that build on it need to know. */
export interface Host {
  /** A secret: it holds the login key. */
  connection: pulumi.Output<Connection>;
  /** Another value after each start of the machine. */
  incarnation: pulumi.Output<string>;
  /** Its console on the controller, if there is one. */
  consoleLog: pulumi.Output<string> | undefined;
  /** The domUs' network there. */
  bridge: Bridge;
  /** The resource without which nothing on the host needs to be removed one by one; a host that stays has none. */
  resource: pulumi.Resource | undefined;
}

/** Options of what lies on a host: it goes with it, or is removed by itself. */
export const goesWith = ({ resource }: Host): { deletedWith?: pulumi.Resource } =>
  resource === undefined ? {} : { deletedWith: resource };

/** Where a host that stays keeps what has to be put back. */
export const HOST_STATE = "/var/lib/v4v-testbed-host";

/** Inputs of files that are put on a host that stays: what was there comes back, and what they started ends before they go. */
export const kept = (host: Host, undo?: string): { originals?: string; undo?: string } =>
  host.resource !== undefined
    ? {}
    : { originals: `${HOST_STATE}/originals`, ...(undo !== undefined && { undo }) };

/** What has to be there before something is put on a host that stays, so that it is removed before that is. */
export const lastingAfter = (host: Host, ...after: pulumi.Resource[]): pulumi.Resource[] =>
  host.resource !== undefined ? [] : after;
