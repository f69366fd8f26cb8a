import { parseRule } from "./rules.ts";
import { hostOf, leastDomUs } from "./spread.ts";
import type { HostSettings, Settings } from "./types.ts";

const EXAMPLE =
  `pulumi config set --path 'hosts[0].address' ADDRESS, the same for 'hosts[0].hostKey', ` +
  `or up --hosts '[{"address": "ADDRESS", "hostKey": "ssh-ed25519 AAAA..."}]'`;

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** Where other hosts send what their domUs say to those of this one; empty if that has to be told. */
export const linkOf = ({ link, address }: HostSettings): string =>
  link !== "" ? link : IPV4.test(address) && !address.startsWith("127.") ? address : "";

/** What two hosts have in common that only one can have. */
const sameIn = (one: HostSettings, other: HostSettings): string[] => [
  ...(one.address === other.address && one.port === other.port ? ["address and port"] : []),
  ...(one.hostKey.split(" ")[1] === other.hostKey.split(" ")[1] ? ["hostKey"] : []),
  ...(linkOf(one) !== "" && linkOf(one) === linkOf(other) ? ["link"] : []),
];

/** What several hosts take that one does not, as sentences that say which setting to change. */
function* severalProblems({ hosts, vmCount, v4v }: Settings): Generator<string> {
  for (const [i, host] of hosts.entries()) {
    if (linkOf(host) === "")
      yield `hosts[${i}].link: with several hosts each needs an address on the network between them; address is ${host.address}, which is none that the others could use, so name one (IPv4)`;
    for (const [j, before] of hosts.slice(0, i).entries()) {
      const same = sameIn(host, before);
      if (same.length > 0)
        yield `hosts[${i}]: it has the ${same.join(" and the ")} of hosts[${j}], and a host can be named once only`;
    }
  }
  const least = leastDomUs(hosts.length);
  if (vmCount < least)
    yield `vmCount: ${vmCount} domUs, two on a host, leave hosts without any; allowed are ${least} or more with ${hosts.length} hosts, or fewer hosts`;
  for (const [i, text] of v4v.rules.entries()) {
    const { from, to } = parseRule(text);
    const [a, b] = [from, to].map(({ domain }) => /^domu(\d+)$/.exec(domain)?.[1]);
    if (a !== undefined && b !== undefined) {
      const [one, other] = [Number(a), Number(b)].map((domU) => hostOf(domU, hosts.length));
      if (one !== other)
        yield `v4v.rules[${i}]: "${text}" is about domUs of two hosts, between which there is no V4V; what they say to each other is TCP`;
    }
  }
}

/** Whether target and hosts fit each other, as sentences that say which setting to change. */
export function hostProblems(settings: Settings): string[] {
  const { target, hosts } = settings;
  if (target === "existing" && hosts.length === 0)
    return [`hosts: target existing needs a host: ${EXAMPLE} (docs/existing-hosts.md)`];
  if (target === "emulated" && hosts.length > 0)
    return [
      `hosts: target is emulated, which takes no host; set target to existing, or remove hosts`,
    ];
  return hosts.length > 1 ? [...severalProblems(settings)] : [];
}
