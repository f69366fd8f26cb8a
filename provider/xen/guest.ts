import { createHash } from "node:crypto";
import type { SmallFile } from "../ssh/remote.ts";

/** One domU, as far as it is the same for every stack. */
export interface Guest {
  name: string;
  /** Complete xl configuration (xl.cfg(5)). */
  config: string;
  /** Shell assignments that the guest's boot script reads. */
  environment: string;
}

/** Where the hook lies in a domU that waits for its identity (dom0/await-identity). */
export const AWAIT_IDENTITY = "/etc/v4v/boot.d/90-identity";

/** What a domU that waits for its identity was started from: goes into its file `started`. */
export function anonymousDigest({ config, environment }: Guest, bootDigest: string): string {
  const text = JSON.stringify([config, environment, bootDigest]);
  return `anonymous ${createHash("sha256").update(text).digest("hex")}`;
}

/** Files of a domU on its host that are no secret and of no stack. */
export function guestFiles(folder: string, { name, config, environment }: Guest): SmallFile[] {
  const own = `${folder}/domains/${name}`;
  return [
    { path: `${own}/domain.cfg`, content: config, mode: 0o600 },
    { path: `${own}/payload/payload/etc/v4v/domu.env`, content: environment, mode: 0o644 },
  ];
}

/**
 * For a host's shell, after the files of domU $1 below folder $2 are there: what it is started from is $3, and each boot
 * of the host starts it. What `systemctl enable` does comes without the reload of all units that it adds, which takes
 * seconds under emulation.
 */
export const INSTALL_GUEST = `
cd "$2/domains/$1"
find payload -type d ! -perm 755 -exec chmod 755 {} +
echo "$3" >wanted
wants=/etc/systemd/system/multi-user.target.wants/v4v-domu@$1.service
[ -L "$wants" ] || ln -sf /etc/systemd/system/v4v-domu@.service "$wants"`;
