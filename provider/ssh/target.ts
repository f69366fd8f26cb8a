/** Where and how to log in: the `connection` input of every resource that reaches a machine. */
export interface Connection {
  host: string;
  port: number;
  user: string;
  /** OpenSSH private key, PEM. A secret: the program wraps it, the engine stores it encrypted. */
  privateKey: string;
  /** The server's public key as in known_hosts: `ssh-ed25519 AAAA...`. Nothing else is accepted. */
  hostKey: string;
  /** The host to go through, for machines that only it reaches. */
  via?: Connection;
}

/** What two connections with the same text share: one SSH session. */
export function sessionName(connection: Connection): string {
  const { user, host, port, hostKey } = connection;
  const self = `${user}@${host}:${port} ${hostKey}`;
  return connection.via === undefined ? self : `${sessionName(connection.via)} > ${self}`;
}

/** For messages: no keys. */
export function describe(connection: Connection): string {
  const { user, host, port } = connection;
  const self = `${user}@${host}${port === 22 ? "" : `:${port}`}`;
  return connection.via === undefined ? self : `${self} (through ${describe(connection.via)})`;
}

/** The raw key of a known_hosts style line, as the SSH transport presents it (RFC 4253, 6.6). */
export function hostKeyBytes(line: string): Buffer {
  const [type, base64] = line.trim().split(/\s+/);
  if (type === undefined || base64 === undefined || !/^[A-Za-z0-9+/]+=*$/.test(base64)) {
    throw new Error(`not a public host key: ${line.slice(0, 40)}`);
  }
  return Buffer.from(base64, "base64");
}
