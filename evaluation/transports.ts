/** What v4v-bench measures: between two domains, between two processes of one (`unix`), or inside one (`native`). */
export const TRANSPORTS = [
  "tcp",
  "tcp-stock",
  "v4v",
  "v4v-sockets",
  "tcp-v4vrun",
  "vchan",
  "unix",
  "native",
] as const;

export type Transport = (typeof TRANSPORTS)[number];

/** What every claim divides by: TCP with its buffers raised and Nagle's algorithm off, never the untouched `tcp-stock`. */
export const BASELINE: Transport = "tcp";

/** What is compared with the baseline. */
export const SUBJECT: Transport = "v4v";

/** What a TCP program gets that nobody changed: compared with the baseline, too. */
export const UNMODIFIED: Transport = "v4v-sockets";

/** What a TCP program under v4vrun gets where the other end is no peer: TCP, compared with that without v4vrun. */
export const UNPEERED: Transport = "tcp-v4vrun";

/** What needs no second domain: `memcpy` inside one process, a GPU in the domU that has it. */
export const NATIVE: Transport = "native";

/** What a socket costs without a second domain: the subject is compared with it too. */
export const CEILING: Transport = "unix";

/** What the baseline would be without its settings: measured beside it, and compared with, too. */
export const STOCK: Transport = "tcp-stock";

/** Xen's own byte stream between two domains: the subject is compared with it too. */
export const XEN_STREAM: Transport = "vchan";

const LABELS: Record<Transport, string> = {
  tcp: "TCP",
  "tcp-stock": "TCP (stock)",
  v4v: "V4V",
  "v4v-sockets": "V4V sockets (v4vrun)",
  "tcp-v4vrun": "TCP under v4vrun, no peer",
  vchan: "vchan (libxenvchan)",
  unix: "AF_UNIX, one domU",
  native: "memcpy",
};

/** Bytes that v4v-bench asks for on tuned sockets, each way (`BENCH_SOCKET_BUFFER`), and of a vchan's rings. */
const SOCKET_BUFFER = 4 * 1024 * 1024;
const VCHAN_RING = 1024 * 1024;

const SETTINGS: Record<Transport, string> = {
  tcp: `AF_INET; TCP_NODELAY; SO_SNDBUF and SO_RCVBUF ${SOCKET_BUFFER}`,
  "tcp-stock": "AF_INET; no options: the kernel tunes the buffers, Nagle's algorithm is on",
  v4v: "AF_VSOCK; no options",
  "v4v-sockets": "as tcp, both ends under v4vrun --mode require",
  "tcp-v4vrun":
    "as tcp, both ends under v4vrun --mode auto, at addresses that discovery does not know: it stays TCP",
  vchan: `libxenvchan, blocking; two rings of ${VCHAN_RING}`,
  unix: "AF_UNIX; no options; both ends in one domU",
  native: "no socket: memcpy from buffer to buffer",
};

/** How v4v-bench sets a transport up, but for time-outs; bytes. Goes into the manifest. */
export const settingsOf = (transport: Transport): string => SETTINGS[transport];

/** Both ends are in one domain. */
export const insideOneDomain = (transport: Transport): boolean =>
  transport === "unix" || transport === "native";

/** Goes over V4V, or asks for it: a testbed without it cannot measure it. */
export const needsV4v = (transport: Transport): boolean =>
  transport === SUBJECT || transport === UNMODIFIED || transport === UNPEERED;

/** Measured where a point names it, and nowhere else. */
export const isSpecial = (transport: Transport): boolean =>
  transport === NATIVE || transport === UNPEERED;

/** How tables and figures call a transport; one that this version does not know keeps its own name. */
export function transportLabel(transport: string): string {
  return Object.hasOwn(LABELS, transport) ? LABELS[transport as Transport] : transport;
}

const rank = (transport: string): number => {
  const index = (TRANSPORTS as readonly string[]).indexOf(transport);
  return index < 0 ? TRANSPORTS.length : index;
};

/** Order of transports in tables and legends: as in {@link TRANSPORTS}, others after them by name. */
export function compareTransports(a: string, b: string): number {
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0);
}
