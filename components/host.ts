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

/** Of what each of several hosts has, the name on one of them, from 0: the first has it as a single host would. */
export const ofHost = (name: string, host: number): string =>
  host === 0 ? name : `${name}${host + 1}`;

/** How ssh's configuration calls a host's dom0. */
export const hostName = (host: number): string => ofHost("host", host);

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
