import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What OpenSSH's client needs to reach a stack's machines: `ssh -F FOLDER/config domu1` (ssh_config(5)). */
const FOLDER = "ssh";

/** What `ssh -F` takes. */
export function sshConfigPath(runFolder: string): string {
  return join(runFolder, FOLDER, "config");
}

const write = (path: string, text: string): void => {
  writeFileSync(path, text, { mode: 0o600 });
};

/** Key, pinned host key and entry for the host itself. */
export function writeHostConfig(
  runFolder: string,
  host: { port: number; privateKey: string; hostKey: string },
): void {
  const folder = join(runFolder, FOLDER);
  mkdirSync(join(folder, "domains"), { recursive: true, mode: 0o700 });
  write(
    join(folder, "id_ed25519"),
    host.privateKey.endsWith("\n") ? host.privateKey : `${host.privateKey}\n`,
  );
  write(join(folder, "known_hosts"), `host ${host.hostKey}\n`);
  write(
    sshConfigPath(runFolder),
    [
      `Include "${folder}/domains/*.conf"`,
      "Host host",
      "  HostName 127.0.0.1",
      `  Port ${host.port}`,
      "  HostKeyAlias host",
      `  UserKnownHostsFile "${folder}/known_hosts"`,
      "Host *",
      "  User root",
      `  IdentityFile "${folder}/id_ed25519"`,
      "  IdentitiesOnly yes",
      "  StrictHostKeyChecking yes",
      "  GlobalKnownHostsFile /dev/null",
      "  HostKeyAlgorithms ssh-ed25519",
      "  LogLevel ERROR",
      "",
    ].join("\n"),
  );
}

/** Entry of a domU, reached through the host. */
export function writeDomainConfig(
  runFolder: string,
  domain: { name: string; address: string; hostKey: string },
): void {
  const folder = join(runFolder, FOLDER, "domains");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  write(join(folder, `${domain.name}.known_hosts`), `${domain.name} ${domain.hostKey}\n`);
  write(
    join(folder, `${domain.name}.conf`),
    [
      `Host ${domain.name}`,
      `  HostName ${domain.address}`,
      "  ProxyJump host",
      `  HostKeyAlias ${domain.name}`,
      `  UserKnownHostsFile "${folder}/${domain.name}.known_hosts"`,
      "",
    ].join("\n"),
  );
}

export function removeDomainConfig(runFolder: string, name: string): void {
  for (const ending of ["conf", "known_hosts"])
    rmSync(join(runFolder, FOLDER, "domains", `${name}.${ending}`), { force: true });
}
