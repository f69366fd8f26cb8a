import type { TextFile } from "../provider/resources/files.ts";
import { render } from "../templates/render.ts";
import { LINK_MTU, type Bridge } from "./network.ts";

/** One of several hosts, seen from the others. */
export interface LinkEnd {
  /** From 1, in the order of the settings. */
  number: number;
  /** On the network between the hosts. */
  address: string;
}

/** The network between a host's domUs and those of others. */
export interface Link {
  own: string;
  others: readonly LinkEnd[];
}

export const LINK_UNIT = "v4v-link.service";

/** Has the tunnels of one of several hosts made at each boot. */
export function linkUnit({ name }: Bridge, { own, others }: Link): TextFile {
  return {
    path: `/etc/systemd/system/${LINK_UNIT}`,
    mode: "644",
    content: render(LINK_UNIT, {
      bridge: name,
      mtu: LINK_MTU,
      own,
      others: others.map(({ number, address }) => `${number}:${address}`),
    }),
  };
}

/**
 * For the domUs of several hosts: what fits into the tunnels, for packets to neighbours as well. A bridge tells nobody that a
 * packet was too large.
 */
export const linkMtu = (): TextFile => ({
  path: "/etc/v4v/boot.d/05-mtu",
  mode: "755",
  content: `#!/bin/sh\nexec ip link set dev eth0 mtu ${LINK_MTU}\n`,
});
