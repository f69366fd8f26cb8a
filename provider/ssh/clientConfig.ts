import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostKeyBytes, isName, type Connection } from "./target.ts";

/** What OpenSSH's client needs to reach a stack's machines: `ssh -F FOLDER/config domu1` (ssh_config(5)). */
const FOLDER = "ssh";

/** What `ssh -F` takes. */
export function sshConfigPath(runFolder: string): string {
  return join(runFolder, FOLDER, "config");
}

const write = (path: string, text: string): void => {
  // A new file, whatever mode an older one may have been given.
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, text, { mode: 0o600, flag: "wx" });
  renameSync(`${path}.new`, path);
};

/**
 * A path as one argument of ssh_config(5), whatever folder the user keeps his state in.
 *
 * @param reading `tokens`: % and ${} mean something there; `pattern`: it is one of glob(7)
 * @throws Error for what that file cannot express
 */
function argument(path: string, reading: "tokens" | "pattern"): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\u0000-\u001f\u007f]|\$\{/.test(path))
    throw new Error(
      `${JSON.stringify(path)} cannot be written into a configuration of ssh; point XDG_STATE_HOME to another folder`,
    );
  const meant =
    reading === "tokens" ? path.replaceAll("%", "%%") : path.replaceAll(/[\\*?[\]{}]/g, "\\$&");
  return `"${meant.replaceAll(/[\\"]/g, "\\$&")}"`;
}

function word(text: string): string {
  if (!isName(text))
    throw new Error(`${JSON.stringify(text)} is no name that ssh's configuration could hold`);
  return text;
}

/** A host key's line of known_hosts, and nothing else. */
function knownHost(name: string, hostKey: string): string {
  return `${word(name)} ssh-ed25519 ${hostKeyBytes(hostKey).toString("base64")}\n`;
}

/** Where a host is that is not this computer's, and how to log in to it. */
export type Reached = Omit<Connection, "privateKey">;

/** Address, user, key and way of a host that stays, and of those on the way, as entries of ssh_config(5). */
function reachedEntry(name: string, host: Reached, known: string): string[] {
  const { keyFile, via } = host;
  const jump = `${name}-jump`;
  return [
    `Host ${name}`,
    `  HostName ${word(host.host)}`,
    `  Port ${host.port}`,
    `  User ${word(host.user)}`,
    `  HostKeyAlias ${name}`,
    `  UserKnownHostsFile ${argument(known, "tokens")}`,
    // Without one, what the agent has is tried.
    ...(keyFile === undefined
      ? ["  IdentitiesOnly no"]
      : [`  IdentityFile ${argument(keyFile, "tokens")}`, "  IdentitiesOnly yes"]),
    ...(via === undefined ? [] : [`  ProxyJump ${jump}`]),
    ...(via === undefined ? [] : reachedEntry(jump, via, known)),
  ];
}

const reachedKeys = (name: string, { hostKey, via }: Reached): string =>
  knownHost(name, hostKey) + (via === undefined ? "" : reachedKeys(`${name}-jump`, via));

/** Key, pinned host key and entry for the host itself: on loopback, or where it is `reached`. */
export function writeHostConfig(
  runFolder: string,
  host: {
    port: number;
    privateKey: string;
    hostKey: string;
    reached?: Reached;
    /** Hosts beside the first, by their names. */
    further?: readonly { name: string; reached: Reached }[];
  },
): void {
  const folder = join(runFolder, FOLDER);
  const { reached, further = [] } = host;
  const known = join(folder, "known_hosts");
  mkdirSync(join(folder, "domains"), { recursive: true, mode: 0o700 });
  write(
    join(folder, "id_ed25519"),
    host.privateKey.endsWith("\n") ? host.privateKey : `${host.privateKey}\n`,
  );
  write(
    known,
    (reached === undefined ? knownHost("host", host.hostKey) : reachedKeys("host", reached)) +
      further.map(({ name, reached: other }) => reachedKeys(name, other)).join(""),
  );
  const entry =
    reached === undefined
      ? [
          "Host host",
          "  HostName 127.0.0.1",
          `  Port ${host.port}`,
          "  HostKeyAlias host",
          `  UserKnownHostsFile ${argument(known, "tokens")}`,
        ]
      : reachedEntry("host", reached, known);
  write(
    sshConfigPath(runFolder),
    [
      `Include ${argument(`${folder}/domains/`, "pattern").slice(0, -1)}*.conf"`,
      ...entry,
      ...further.flatMap(({ name, reached: other }) => reachedEntry(name, other, known)),
      "Host *",
      "  User root",
      `  IdentityFile ${argument(join(folder, "id_ed25519"), "tokens")}`,
      "  IdentitiesOnly yes",
      "  StrictHostKeyChecking yes",
      "  GlobalKnownHostsFile /dev/null",
      "  HostKeyAlgorithms ssh-ed25519",
      "  LogLevel ERROR",
      "",
    ].join("\n"),
  );
}

/** Who logs in to a host that stays, by the configuration that was written for it; undefined for the emulated machine. */
export function reachedUser(config: string, name = "host"): string | undefined {
  const entry = new RegExp(`^Host ${word(name)}\\n((?: {2}.*\\n)*)`, "m").exec(config)?.[1] ?? "";
  return /^ {2}User (\S+)$/m.exec(entry)?.[1];
}

/** Whether a stack's folder has an entry of a domU. */
export const hasDomainConfig = (runFolder: string, name: string): boolean =>
  isName(name) && existsSync(join(runFolder, FOLDER, "domains", `${name}.conf`));

/** Entry of a domU, reached through its host. */
export function writeDomainConfig(
  runFolder: string,
  domain: { name: string; address: string; hostKey: string; jump?: string },
): void {
  const folder = join(runFolder, FOLDER, "domains");
  const name = word(domain.name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  write(join(folder, `${name}.known_hosts`), knownHost(name, domain.hostKey));
  write(
    join(folder, `${name}.conf`),
    [
      `Host ${name}`,
      `  HostName ${word(domain.address)}`,
      `  ProxyJump ${word(domain.jump ?? "host")}`,
      `  HostKeyAlias ${name}`,
      `  UserKnownHostsFile ${argument(join(folder, `${name}.known_hosts`), "tokens")}`,
      "",
    ].join("\n"),
  );
}

export function removeDomainConfig(runFolder: string, name: string): void {
  for (const ending of ["conf", "known_hosts"])
    rmSync(join(runFolder, FOLDER, "domains", `${word(name)}.${ending}`), { force: true });
}
