/** A claim in a few words, for the table on the report's first screen; its full text stands further below. */
const TITLES: Record<string, string> = {
  "latency-small": "Latency of 1 B",
  "bandwidth-large": "Bandwidth at 1 MiB",
  "scaling-latency": "Latency beside busy pairs",
  "scaling-bandwidth": "Bandwidth scales with pairs",
  aggregate: "Aggregate bandwidth",
  "aggregate-ratio": "Aggregate of 8 pairs over TCP's",
  fairness: "Fairness between pairs",
  "gpu-overhead-least": "Remote GPU: overhead, read as at least",
  "gpu-overhead-most": "Remote GPU: overhead, read as at most",
  "gpu-transfer": "Remote GPU: transfers over TCP's",
  "no-driver-domain": "No driver domain in the path",
  "no-shared-pages": "No shared pages",
  "drop-or-forward": "Rules drop or forward",
  "socket-interface": "Unmodified programs run",
  "ease-of-use": "Ease of use",
  "cpu-cost": "CPU time over TCP's",
  "no-dip": "No dip from 512 B to 64 KiB",
  "unix-latency": "Latency over AF_UNIX's",
  "unix-stream": "Stream over AF_UNIX's",
  "iperf3-share": "iperf3 over v4v-bench's stream",
  iperf3: "iperf3 over TCP's",
  "redis-get": "Redis GETs over TCP's",
  "setup-cost": "Connection set-up over TCP's",
  "non-peer-cost": "v4vrun where there is no peer",
  "peer-discovery": "Peer discovery",
  "gpu-evaluation": "GPU sharing evaluated",
};

/** The claim's title; of one that this table does not know its id in words. */
export const claimTitle = (id: string): string =>
  Object.hasOwn(TITLES, id) ? (TITLES[id] ?? id) : id.replaceAll("-", " ");
