import type { Connection } from "../ssh/target.ts";

/** `connection` of @pulumi/command's remote resources, as far as the drop-in serves it. */
export interface CommandConnection {
  host: string;
  port?: number;
  user?: string;
  privateKey?: string;
  hostKey?: string;
  proxy?: CommandConnection;
  /** Attempts before giving up; each is followed by a pause of about a second. */
  dialErrorLimit?: number;
  /** Seconds for one attempt. */
  perDialTimeout?: number;
}

/** As the SSH adapter takes it. The official plugin trusts any host key when none is given; this one refuses. */
export function toConnection(given: CommandConnection): Connection {
  if (given.hostKey === undefined)
    throw new Error("connection.hostKey is required: nothing is sent to a host that is not pinned");
  if (given.privateKey === undefined)
    throw new Error("connection.privateKey is required: the drop-in knows no other way to log in");
  return {
    host: given.host,
    port: given.port ?? 22,
    user: given.user ?? "root",
    privateKey: given.privateKey,
    hostKey: given.hostKey,
    ...(given.proxy !== undefined && { via: toConnection(given.proxy) }),
  };
}
