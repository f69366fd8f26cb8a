import type { PlanDomain } from "./plan.ts";

/** What a domain is called in a plan where it is meant at its second address. */
const SUFFIX = ".non-peer";

/** How an agent is started, at the end of its command. */
const AGENT = "v4v-bench agent";

/**
 * 198.18.0.0/15 is for benchmarks (RFC 2544); the domain's own last two numbers tell it from the others. The prefix
 * makes the kernel take the client's second address for a connection to the server's, so that to both ends the other
 * one is no peer.
 */
const NETWORK = "198.18";
const PREFIX = 16;

/** After that the kernel drops the address by itself, should nobody have, s: longer than a run. */
const LIFETIME_S = 86_400;

export const nonPeerName = (domain: string): string => `${domain}${SUFFIX}`;

/** An agent's command that can be given an address: it ends with the agent's own words. */
export const takesAddress = ({ agent }: PlanDomain): boolean => agent.endsWith(` ${AGENT}`);

/**
 * The same domain at an address that no toolstack's entry names, which therefore is in nobody's /v4v/peers. It has the
 * address as long as this agent of its lives: however the run ends, the agent's stdin does, too. The words go to the
 * shell at the far end of ssh.
 */
export function nonPeerOf(domain: PlanDomain): PlanDomain {
  const addr = [NETWORK, ...domain.addr.split(".").slice(2)].join(".");
  const own = `${addr}/${PREFIX} dev eth0`;
  const add = `ip address replace ${own} valid_lft ${LIFETIME_S} preferred_lft ${LIFETIME_S}`;
  const agent = `{ ${AGENT}; said=$?; ip address delete ${own}; exit $said; }`;
  const reach = domain.agent.slice(0, -AGENT.length);
  return {
    ...domain,
    name: nonPeerName(domain.name),
    addr,
    agent: `${reach}${add} && ${agent}`,
  };
}
