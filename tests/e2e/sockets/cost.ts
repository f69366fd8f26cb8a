import { quote } from "../../../provider/ssh/quote.ts";
import { CLIENT, FULL, type SocketsBed } from "./bed.ts";

/** Connections of one run; runs of each kind, in turn. */
const CONNECTIONS = 150;
const RUNS = FULL ? 7 : 2;

/** Connections to redis-server, one question and one answer each: the median, us. */
const CALLS = `import socket, sys, time
took = []
for i in range(int(sys.argv[2])):
    start = time.perf_counter_ns()
    with socket.create_connection((sys.argv[1], 6379)) as one:
        one.sendall(b"PING\\r\\n")
        assert one.recv(64) == b"+PONG\\r\\n"
    took.append(time.perf_counter_ns() - start)
took.sort()
print(took[len(took) // 2] // 1000)
`;

/** The least of the medians without v4vrun and with it, us. */
export interface Cost {
  plain: number;
  asking: number;
}

/** What it costs a connection to ask for V4V and not to get it, for a redis-server that listens there. */
export async function costOfAsking(bed: SocketsBed, address: string): Promise<Cost> {
  const run = `$1 python3 /tmp/calls.py ${address} ${CONNECTIONS}`;
  const medians = await bed.step(
    CLIENT,
    `printf %s ${quote(CALLS)} >/tmp/calls.py
     for i in $(seq ${RUNS}); do ${bed.inShell(run, "")} && ${bed.inShell(run, "v4vrun")} || exit; done`,
    300,
  );
  const values = medians.split("\n").map(Number);
  const best = (from: number) => Math.min(...values.filter((_, i) => i % 2 === from));
  return { plain: best(0), asking: best(1) };
}
