import { spawnSync } from "node:child_process";
import { FILES } from "./arguments.ts";

/** setpriv(1) of util-linux: no capability is left, none comes back by execve. */
const DROP = ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"];

/** setpriv says nothing when it was not allowed to: the process itself has to be asked what it has left. */
const LOOK = `
grep -q '^CapEff:[[:space:]]*0*$' /proc/self/status
exec qemu-img info --force-share --backing-chain ${FILES.disk}`;

/**
 * Whether QEMU can do without them in this folder: not where disks are another user's whom root goes past, and not in a
 * container that lets nobody take a capability away. Asked of the disk with all that it lies over.
 */
function canDrop(folder: string): boolean {
  const args = [...DROP, "sh", "-euc", LOOK];
  return spawnSync("setpriv", args, { cwd: folder, stdio: "ignore" }).status === 0;
}

/**
 * The command line that runs QEMU with no more rights than files give it. Only root has any to lose; he stays who he
 * is, as the disks and sockets are his.
 *
 * @param uid numeric user of this process
 */
export function unprivileged(
  command: readonly string[],
  folder: string,
  uid = process.getuid?.(),
): string[] {
  return uid === 0 && canDrop(folder) ? ["setpriv", ...DROP, ...command] : [...command];
}
