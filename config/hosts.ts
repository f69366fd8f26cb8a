import type { Settings } from "./types.ts";

const EXAMPLE =
  `pulumi config set --path 'hosts[0].address' ADDRESS, the same for 'hosts[0].hostKey', ` +
  `or up --hosts '[{"address": "ADDRESS", "hostKey": "ssh-ed25519 AAAA..."}]'`;

/** Whether target and hosts fit each other, as sentences that say which setting to change. */
export function hostProblems({ target, hosts }: Settings): string[] {
  if (target === "existing" && hosts.length === 0)
    return [`hosts: target existing needs a host: ${EXAMPLE} (docs/existing-hosts.md)`];
  if (target === "emulated" && hosts.length > 0)
    return [
      `hosts: target is emulated, which takes no host; set target to existing, or remove hosts`,
    ];
  return [];
}
