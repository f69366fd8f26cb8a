/**
 * Unmodified programs of Debian's packages, as a server and a client in two domUs: what they are run with, what shows
 * that they worked, and what keeps one of their connections busy.
 */
export interface Program {
  name: string;
  port: number;
  /** What the server needs beforehand, in its domain. */
  prepare?: string;
  /** The server's command; `$1` is what comes before the program, `$2` its address. Stays in the foreground. */
  server: string;
  /** A client's script that prints what the test compares; same arguments. */
  client: string;
  /** What the client prints; `blob` is the SHA-256 of the file that servers serve. */
  expected: (blob: string) => RegExp;
  /** At least this much goes over the connections of `client`, bytes. */
  bytes: number;
  /** A client that goes on until it is killed, or its server is. */
  load: string;
}

/** A random file in both domains, the same bytes. */
export const BLOB = "/tmp/blob";
export const BLOB_BYTES = 8 * 2 ** 20;

/** Bytes that may be in the sockets of two ends. */
const IPERF_UNCOUNTED = 2 ** 21;

/** The client's key pair is /tmp/key, made by the test; the server's sshd takes that key alone. */
const SSHD = `printf '%s\\n' 'HostKey /etc/ssh/ssh_host_ed25519_key' 'AuthorizedKeysFile /tmp/key.pub' \\
  'StrictModes no' 'UsePAM no' >/tmp/sshd_config`;

const SSH_CLIENT =
  "$1 ssh -F /dev/null -i /tmp/key -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@$2";

const LIGHTTPD = `
  mkdir -p /tmp/lighttpd && ln -sf ${BLOB} /tmp/lighttpd/blob
  printf 'server.document-root = "/tmp/lighttpd"\\nserver.port = 8080\\nserver.max-worker = 4\\n' >/tmp/lighttpd.conf`;

export const PROGRAMS: Program[] = [
  {
    name: "iperf3",
    port: 5201,
    // Of both families: its connections have IPv4-mapped addresses.
    server: "$1 iperf3 -s",
    // The server stops to read when it hears that all was sent: what is in the sockets then it does not count.
    client: `$1 iperf3 -c $2 -n ${BLOB_BYTES} -J >/tmp/iperf.json || { cat /tmp/iperf.json; exit 1; }
      python3 -c 'import json
end = json.load(open("/tmp/iperf.json"))["end"]
sent, received = (end[part]["bytes"] for part in ("sum_sent", "sum_received"))
print(sent >= ${BLOB_BYTES} and sent - ${IPERF_UNCOUNTED} <= received <= sent, sent, received)'`,
    expected: () => /^True /,
    bytes: BLOB_BYTES,
    load: "$1 iperf3 -c $2 -t 600",
  },
  {
    name: "redis-server and redis-benchmark",
    port: 6379,
    server: "$1 redis-server --bind $2 --protected-mode no --save '' --dir /tmp",
    client: `$1 redis-benchmark -h $2 -q -t set,get -c 16 -n 500 -d 2048 >/tmp/redis.log || { cat /tmp/redis.log; exit 1; }
      grep -c 'requests per second' /tmp/redis.log
      $1 redis-cli -h $2 -x set blob <${BLOB}
      $1 redis-cli -h $2 --raw get blob | head -c ${BLOB_BYTES} | sha256sum`,
    expected: (blob) => new RegExp(`^2\\nOK\\n${blob} `),
    bytes: 2 * BLOB_BYTES + 2 * 500 * 2048,
    load: "$1 redis-benchmark -h $2 -q -t get -c 16 -n 100000000",
  },
  {
    name: "python3 -m http.server and curl",
    port: 8000,
    server: `$1 python3 -m http.server 8000 --bind $2 --directory /tmp`,
    client: `$1 curl -sS http://$2:8000/blob | sha256sum`,
    expected: (blob) => new RegExp(`^${blob} `),
    bytes: BLOB_BYTES,
    load: "while $1 curl -sS http://$2:8000/blob >/dev/null; do :; done",
  },
  {
    name: "lighttpd with four workers and curl",
    port: 8080,
    prepare: LIGHTTPD,
    server: "$1 lighttpd -D -f /tmp/lighttpd.conf",
    client: `for i in 1 2 3 4; do $1 curl -sS http://$2:8080/blob | sha256sum & done | sort -u; wait`,
    expected: (blob) => new RegExp(`^${blob} [^\\n]*$`),
    bytes: 4 * BLOB_BYTES,
    load: "while $1 curl -sS http://$2:8080/blob >/dev/null; do :; done",
  },
  {
    name: "sshd and ssh",
    port: 2222,
    prepare: SSHD,
    server: "$1 /usr/sbin/sshd -D -e -f /tmp/sshd_config -p 2222 -o ListenAddress=$2",
    client: `${SSH_CLIENT} cat ${BLOB} | sha256sum`,
    expected: (blob) => new RegExp(`^${blob} `),
    bytes: BLOB_BYTES,
    load: `${SSH_CLIENT} cat /dev/zero >/dev/null`,
  },
  {
    name: "netcat",
    port: 9000,
    server: `$1 sh -c 'while :; do nc -l -N '$2' 9000 <${BLOB} || exit; done'`,
    client: `$1 nc $2 9000 </dev/null | sha256sum`,
    expected: (blob) => new RegExp(`^${blob} `),
    bytes: BLOB_BYTES,
    load: `while $1 nc $2 9000 </dev/null >/dev/null; do :; done`,
  },
  {
    name: "socat",
    port: 9001,
    server: `$1 socat -U TCP-LISTEN:9001,bind=$2,reuseaddr,fork OPEN:${BLOB}`,
    client: `$1 socat -u TCP:$2:9001 - | sha256sum`,
    expected: (blob) => new RegExp(`^${blob} `),
    bytes: BLOB_BYTES,
    load: `while $1 socat -u TCP:$2:9001 - >/dev/null; do :; done`,
  },
];
