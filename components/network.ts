export interface Bridge {
  name: string;
  /** dom0's address, which is also the domUs' gateway. */
  gateway: string;
  prefixLength: number;
  mac: string;
}

/** The internal network between dom0 and its domUs: a bridge without an uplink. */
export const bridge: Bridge = {
  name: "xenbr0",
  /** dom0's address, which is also the domUs' gateway. */
  gateway: "10.83.0.1",
  prefixLength: 24,
  /** Locally administered and fixed, so that the bridge does not change its address with its ports. */
  mac: "02:16:3e:53:00:00",
};

/** The same on a host that may have bridges of its own, and Xen's usual name taken. */
export const hostBridge: Bridge = { ...bridge, name: "v4vbr0" };

/** That of one of several hosts, from 0: one network, in which each has an address and a MAC of its own. */
export const hostBridgeOf = (host: number): Bridge => ({
  ...hostBridge,
  gateway: `10.83.0.${host + 1}`,
  mac: `02:16:3e:53:00:0${host}`,
});

/** What fits into a GRE tunnel on Ethernet: 20 bytes of IP, 8 of GRE with its key and 14 of the frame within go off. */
export const LINK_MTU = 1500 - 42;

/** First host number of a domU; 1 to 9 stay free for hosts, 10 is the GPU domU's. */
const FIRST = 11;

export interface GuestAddress {
  address: string;
  /** In Xen's own range, 00:16:3e. */
  mac: string;
}

/** Of the domU that has the GPU: the last host number before those of the others. */
export const gpuGuest: GuestAddress = { address: "10.83.0.10", mac: "00:16:3e:53:00:0a" };

/** Address and MAC of `domu1`, `domu2`, ...: fixed by the number, so that growing and shrinking moves nobody. */
export function guestAddress(number: number): GuestAddress {
  const host = FIRST + number - 1;
  if (number < 1 || host > 254) throw new RangeError(`no address for domU number ${number}`);
  return {
    address: `10.83.0.${host}`,
    mac: `00:16:3e:53:00:${host.toString(16).padStart(2, "0")}`,
  };
}
