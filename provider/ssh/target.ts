/** Where and how to log in: the `connection` input of every resource that reaches a machine. */
export interface Connection {
  host: string;
  port: number;
  user: string;
  /** OpenSSH private key, PEM. A secret: the program wraps it, the engine stores it encrypted. */
  privateKey?: string;
  /** Instead: a file of the controller that holds it. With neither, the SSH agent is asked. */
  keyFile?: string;
  /** The server's public key as in known_hosts: `ssh-ed25519 AAAA...`. Nothing else is accepted. */
  hostKey: string;
  /** The host to go through, for machines that only it reaches. */
  via?: Connection;
  /** The user is not root, and becomes root for each command by sudo, which must ask for no password. */
  sudo?: boolean;
}

/**
 * Whether a text is a machine's name or address and nothing more: no second word, pattern, option or line in ssh's
 * files, in paths and in shell.
 */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9.:_-]{0,254}$/.test(text);
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

/** Length of an Ed25519 public key on the wire (RFC 8709, 4): two length words, the name, 32 bytes of key. */
const ED25519_BYTES = 51;

/** The raw key of a known_hosts style line, as the SSH transport presents it (RFC 4253, 6.6). */
export function hostKeyBytes(line: string): Buffer {
  const [type, base64] = line.trim().split(/\s+/);
  const bytes = Buffer.from(base64 ?? "", "base64");
  if (type !== "ssh-ed25519" || bytes.length !== ED25519_BYTES)
    throw new Error(`not a public host key (Ed25519): ${line.slice(0, 40)}`);
  return bytes;
}
