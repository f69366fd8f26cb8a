import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bridge, guestAddress } from "../../../components/network.ts";
import { quote } from "../../../provider/ssh/quote.ts";
import { BLOB, BLOB_BYTES, PROGRAMS, type Program } from "../programs.ts";
import { succeeded, takeDownAfterwards } from "../lifecycle.ts";
import { Testbed } from "../testbed.ts";

/**
 * Unmodified programs over V4V between two domUs on the real Xen: what they see is what TCP shows, and the way their
 * bytes go is the one that both ends asked for.
 */
const testbed = new Testbed("sockets");
const FULL = process.env.V4V_TEST === "full";

/** How long a program is under load before it is killed, s. */
const LOAD_SECONDS = FULL ? 60 : 3;
const SERVER = "domu2";
const CLIENT = "domu1";
const { address } = guestAddress(2);

function programAt(port: number): Program {
  const found = PROGRAMS.find((program) => program.port === port);
  if (found === undefined) throw new Error(`no program on port ${port}`);
  return found;
}

/** Most of a program's bytes: what is sent before the two ends have agreed goes by TCP. */
const MOST = 0.6;

/** Bytes so far: what V4V carried for the client's domain, and what the server's vif did. */
interface Way {
  v4v: number;
  vif: number;
}

async function way(): Promise<Way> {
  const [v4v, vif] = await Promise.all([
    testbed.step(
      CLIENT,
      `awk 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { n += $at["tx_bytes"] + $at["rx_bytes"] } END { printf "%d", n }' /proc/v4v/domains`,
    ),
    testbed.step(
      "host",
      `cd /sys/class/net/vif$(xl domid ${SERVER}).0/statistics && echo $(($(cat rx_bytes) + $(cat tx_bytes)))`,
    ),
  ]);
  return { v4v: Number(v4v), vif: Number(vif) };
}

/** What a step carried, and which way. */
async function carried(step: () => Promise<void>): Promise<Way> {
  const before = await way();
  await step();
  const after = await way();
  return { v4v: after.v4v - before.v4v, vif: after.vif - before.vif };
}

const inShell = (script: string, prefix: string) =>
  `sh -c ${quote(script)} sh ${quote(prefix)} ${address}`;

/** Starts a script that stays in the background, as a process group of its own; its output is /tmp/NAME.log. */
function startScript(domain: string, name: string, script: string, prefix: string) {
  return testbed.step(
    domain,
    `nohup setsid ${inShell(script, prefix)} >/tmp/${name}.log 2>&1 </dev/null & echo $! >/tmp/${name}.pid`,
  );
}

const isUp = (port: number) => `ss -Hltn 'sport = :${port}' | grep -q .`;

async function startServer(program: Program, prefix: string): Promise<void> {
  if (program.prepare !== undefined) await testbed.step(SERVER, program.prepare);
  await startScript(SERVER, "server", program.server, prefix);
  await testbed.step(
    SERVER,
    `for i in $(seq 150); do ! ${isUp(program.port)} || exit 0; sleep 0.2; done; cat /tmp/server.log; exit 1`,
  );
}

/** Kills the script and whoever has a socket of the program's port: some servers' children are in a group of their own. */
async function killServer(program: Program): Promise<void> {
  await testbed.step(
    SERVER,
    `kill -9 -$(cat /tmp/server.pid) 2>/dev/null
     for i in $(seq 50); do
       kill -9 $(ss -Htanp 'sport = :${program.port}' | grep -o 'pid=[0-9]*' | cut -d = -f 2 | sort -u) 2>/dev/null
       ${isUp(program.port)} || exit 0
       sleep 0.2
     done; ss -tanp; exit 1`,
  );
}

async function isServed(program: Program, prefix: string, blob: string): Promise<void> {
  const said = await testbed.step(CLIENT, `timeout 240 ${inShell(program.client, prefix)}`, 300);
  expect(said, program.name).toMatch(program.expected(blob));
}

let blob = "";
const peersOf = (domain: string) => testbed.step(domain, "v4vctl peers");
const cidOf = async (domain: string) =>
  Number(await testbed.step("host", `xl domid ${domain}`)) + 2;

/** Waits until a domain's table says so; each look takes as long as a login. */
async function peersSay(domain: string, pattern: RegExp, not = false): Promise<void> {
  let said = "";
  for (let i = 0; i < 10; i++) {
    said = await peersOf(domain);
    if (pattern.test(said) !== not) return;
  }
  expect(said).toEqual(expect.stringMatching(pattern));
}

beforeAll(async () => {
  console.log(`clone of the project: ${testbed.project}`);
  succeeded(await testbed.up(["--profile", "none"], 2400));
  await copyPrograms();
  await prepareDomains();
}, 45 * 60_000);

/** What plays the table and the many connections, and what compares. */
async function copyPrograms(): Promise<void> {
  const build = (await testbed.resources()).find(
    ({ type, inputs }) => type === "v4v:index:Build" && inputs?.recipe === "sockets",
  );
  for (const program of ["behave", "behave-static", "storm"])
    for (const domain of [SERVER, CLIENT])
      testbed.copy(
        domain,
        join(String(build?.outputs?.path), "tests", program),
        `/usr/local/bin/${program}`,
      );
  testbed.copy("host", join(testbed.project, "tests/sockets/compare.sh"), "/var/tmp/compare.sh");
}

/** Blob and key of the tests; gone with a domU that is made again. */
async function prepareDomains(): Promise<void> {
  blob = await testbed.step(
    SERVER,
    `[ -e ${BLOB} ] || head -c ${BLOB_BYTES} /dev/urandom >${BLOB}; sha256sum <${BLOB} | cut -d ' ' -f 1`,
  );
  await testbed.step(CLIENT, `head -c ${BLOB_BYTES} /dev/urandom >${BLOB}`);
  const key = await testbed.step(
    CLIENT,
    "[ -e /tmp/key ] || ssh-keygen -q -t ed25519 -N '' -f /tmp/key; cat /tmp/key.pub",
  );
  await testbed.step(SERVER, `echo ${quote(key)} >/tmp/key.pub`);
  // The client's own copy goes to redis, and comes back.
  await testbed.step(
    SERVER,
    `nc -l -N ${address} 9100 <${BLOB} >/dev/null 2>&1 & for i in $(seq 50); do ! ${isUp(9100)} || exit 0; sleep 0.2; done; exit 1`,
  );
  const sum = await testbed.step(
    CLIENT,
    `nc ${address} 9100 </dev/null >${BLOB}; sha256sum <${BLOB} | cut -d ' ' -f 1`,
  );
  expect(sum).toBe(blob);
}

takeDownAfterwards(testbed);

describe("discovery", () => {
  it("shows every domain's address to unprivileged processes of each", async () => {
    const lines = [
      `2 ${bridge.gateway}`,
      `${await cidOf("domu1")} ${guestAddress(1).address}`,
      `${await cidOf("domu2")} ${address}`,
    ];
    for (const domain of ["host", "domu1", "domu2"]) {
      const said = (await peersOf(domain))
        .split("\n")
        .map((row) => row.trim().replaceAll(/ +/g, " "));
      for (const line of lines) expect(said, domain).toContain(line);
    }
    const nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups v4vctl peers";
    expect(await testbed.step("domu1", nobody)).toContain(address);
  });
});

/** From how long on a connection moves, whatever it carries, ms; 0: at once, before its first byte if that takes a while. */
async function movesAfter(ms: number): Promise<void> {
  for (const domain of [SERVER, CLIENT])
    await testbed.step(domain, `echo ${ms} >/sys/module/v4v/parameters/tcp_move_ms`);
}

describe("the table of behaviours", () => {
  // Most of its connections are so short that they would stay on TCP.
  beforeAll(() => movesAfter(0));
  afterAll(() => movesAfter(10));

  it.each([
    ["from the first byte", ""],
    ...(FULL ? [["on connections that have settled", "--settle"]] : []),
  ])(
    "is the same over TCP, in the three other combinations and in two whole domains that ask, %s",
    async (_when, option) => {
      const said = await testbed.step(
        "host",
        `/bin/sh /var/tmp/compare.sh ${SERVER} ${CLIENT} ${address} ${option}`,
        1800,
      );
      console.log(said);
      expect(said).toMatch(/^5 passed, 0 failed$/m);
      for (const [, moved] of said.matchAll(/^(?:both|cgroups): .* remembers: (\d+)$/gm))
        expect(Number(moved)).toBeGreaterThan(20);
    },
  );
});

describe("connections that move under load", () => {
  const PORT = 7900;
  const COUNT = FULL ? 10_000 : 300;
  const vifs = async (command: (vif: string) => string) => {
    for (const domain of [SERVER, CLIENT])
      await testbed.step("host", command(`vif$(xl domid ${domain}).0`));
  };

  afterEach(async () => {
    await vifs((vif) => `tc qdisc del dev ${vif} root 2>/dev/null || :`);
    await testbed.step(SERVER, "kill $(cat /tmp/storm.pid) || :");
  });

  it(`keep every byte in order while TCP delays, loses and reorders: ${COUNT}`, async () => {
    await startScript(SERVER, "storm", `$1 storm serve $2 ${PORT}`, "v4vrun");
    await vifs(
      (vif) =>
        `tc qdisc replace dev ${vif} root netem delay 3ms 3ms loss 2% reorder 20% limit 4000`,
    );
    const seed = Date.now() % 2 ** 31;
    const bytes = await carried(async () => {
      expect(
        await testbed.step(
          CLIENT,
          inShell(`$1 storm call $2 ${PORT} ${COUNT} 16 ${seed}`, "v4vrun"),
          3600,
        ),
      ).toContain(`${COUNT} connections, seed ${seed}, 0 of 16 processes failed`);
    });
    console.log(`${COUNT} connections: ${bytes.v4v} bytes by V4V, ${bytes.vif} by TCP`);
    // Streams that were on both ways.
    expect(bytes.v4v).toBeGreaterThan(COUNT * 1000);
    expect(bytes.vif).toBeGreaterThan(COUNT * 1000);
  });
});

describe.each(PROGRAMS)("$name", (program) => {
  it("works, and goes by V4V, when both ends ask", async () => {
    await startServer(program, "v4vrun");
    const bytes = await carried(() => isServed(program, "v4vrun", blob));
    expect(bytes.v4v).toBeGreaterThan(program.bytes * MOST);
    // The test's own logins are there, too.
    expect(bytes.vif).toBeLessThan(program.bytes * (1 - MOST));
  });

  it("whose server is killed under load ends its clients, starts again and serves", async () => {
    await startScript(CLIENT, "load", program.load, "v4vrun");
    await testbed.step(CLIENT, `sleep ${LOAD_SECONDS}`, LOAD_SECONDS + 60);
    await killServer(program);
    await testbed.step(
      CLIENT,
      "for i in $(seq 150); do kill -0 -$(cat /tmp/load.pid) 2>/dev/null || exit 0; sleep 0.2; done; cat /tmp/load.log; exit 1",
    );
    await startServer(program, "v4vrun");
    const bytes = await carried(() => isServed(program, "v4vrun", blob));
    expect(bytes.v4v).toBeGreaterThan(program.bytes * MOST);
  });

  it("whose client is killed under load serves the next", async () => {
    await startScript(CLIENT, "load", program.load, "v4vrun");
    await testbed.step(CLIENT, `sleep ${LOAD_SECONDS}`, LOAD_SECONDS + 60);
    await testbed.step(CLIENT, "kill -9 -$(cat /tmp/load.pid); sleep 2");
    // netcat serves one after the other and may have ended with the client.
    await testbed
      .step(
        SERVER,
        `for i in $(seq 25); do ! ${isUp(program.port)} || exit 0; sleep 0.2; done; exit 1`,
      )
      .catch(() => startServer(program, "v4vrun"));
    await isServed(program, "v4vrun", blob);
    await killServer(program);
  });

  it.each(
    FULL || program.port === 8000
      ? [
          ["", "v4vrun"],
          ["v4vrun", ""],
          ["", ""],
        ]
      : [["", "v4vrun"]],
  )("goes by TCP when one end has not asked (server %j, client %j)", async (atServer, atClient) => {
    await startServer(program, atServer);
    const bytes = await carried(() => isServed(program, atClient, blob));
    expect(bytes.v4v).toBeLessThan(program.bytes * 0.1);
    expect(bytes.vif).toBeGreaterThan(program.bytes * 0.9);
    await killServer(program);
  });
});

describe("what a connection is told of its way", () => {
  const web = programAt(8000);
  const fetch = (options: string) =>
    testbed.step(
      CLIENT,
      `v4vrun ${options} curl -sS -o /dev/null http://${address}:8000/blob 2>&1; echo "exit code $?"`,
    );

  beforeAll(async () => {
    await startServer(web, "v4vrun");
  });
  afterAll(async () => {
    await killServer(web);
  });

  it("--explain", async () => {
    expect(await fetch("--explain")).toMatch(
      new RegExp(`connected to ${address}:8000: V4V; V4V \\d+ bytes out, \\d{7} in`),
    );
    expect(await fetch("--explain --exclude :8000")).toContain("as the lists leave it out");
  });

  it("modes", async () => {
    expect(await fetch("--mode require")).toContain("exit code 0");
    const elsewhere = await testbed.step(
      CLIENT,
      `v4vrun --mode require curl -sS -m 5 http://10.83.0.200:8000/ 2>&1; echo "exit code $?"`,
    );
    expect(elsewhere).toMatch(/Failed to connect[\s\S]*exit code 7/);
  });

  /** The blob once more, by the way that is expected now. */
  async function goesBy(kind: "V4V" | "TCP"): Promise<void> {
    const bytes = await carried(() => isServed(web, "v4vrun", blob));
    const of = kind === "V4V" ? bytes.v4v : bytes.vif;
    const other = kind === "V4V" ? bytes.vif : bytes.v4v;
    expect(of, JSON.stringify(bytes)).toBeGreaterThan(BLOB_BYTES * MOST);
    expect(other, JSON.stringify(bytes)).toBeLessThan(BLOB_BYTES * (1 - MOST));
  }

  it("a statically linked program: V4V from a control group that asks, else TCP", async () => {
    const group = "/sys/fs/cgroup/asks";
    await testbed.step(
      CLIENT,
      `[ -e ${group} ] || { mount -t cgroup2 none /sys/fs/cgroup && mkdir ${group}; }; v4vctl cgroups /asks`,
    );
    const get = `busybox wget -q -O - http://${address}:8000/blob`;
    const fetchFrom = (before: string) =>
      carried(async () => {
        const said = await testbed.step(
          CLIENT,
          `sh -c ${quote(`${before} exec ${get}`)} | sha256sum`,
        );
        expect(said).toContain(blob);
      });
    const inside = await fetchFrom(`echo $$ >${group}/cgroup.procs;`);
    expect(inside.v4v).toBeGreaterThan(BLOB_BYTES * MOST);
    const outside = await fetchFrom("");
    expect(outside.vif).toBeGreaterThan(BLOB_BYTES * MOST);
    await testbed.step(CLIENT, "v4vctl cgroups none");
  });

  it("without the daemon, TCP; killed, it comes back and nobody notices", async () => {
    await testbed.step("host", "systemctl stop v4vd");
    await peersSay(CLIENT, new RegExp(address.replaceAll(".", "\\.")), true);
    await goesBy("TCP");
    await testbed.step("host", "systemctl start v4vd");
    await peersSay(CLIENT, new RegExp(address.replaceAll(".", "\\.")));
    await goesBy("V4V");
    await testbed.step(
      "host",
      "systemctl kill -s KILL v4vd; sleep 1; for i in $(seq 150); do ! systemctl -q is-active v4vd || exit 0; sleep 0.2; done; exit 1",
    );
    await goesBy("V4V");
  });

  it("with a rule that denies, TCP", async () => {
    const rule = `-s ${CLIENT} -d ${SERVER} -j drop`;
    await testbed.step("host", `viptables -A ${rule}`);
    await goesBy("TCP");
    await testbed.step("host", `viptables -D ${rule}`);
    await goesBy("V4V");
  });

  it("an address that the toolstack changes is found", async () => {
    const other = "10.83.0.99";
    const node = `/local/domain/0/backend/vif/$(xl domid ${SERVER})/0/ip`;
    const published = `/v4v/peers/$(xl domid ${SERVER})`;
    const write = async (text: string) => {
      const ms = await testbed.step(
        "host",
        `from=$(date +%s%N); xenstore-write ${node} ${text}
         until [ "$(xenstore-read ${published})" = ${text} ] || [ $(($(date +%s%N) - from)) -gt 20000000000 ]; do :; done
         echo $((($(date +%s%N) - from) / 1000000))`,
      );
      console.log(`published after ${ms} ms, readers of XenStore included`);
      expect(Number(ms)).toBeLessThan(20_000);
    };
    await testbed.step(SERVER, `ip address add ${other}/24 dev eth0`);
    try {
      await write(other);
      await peersSay(CLIENT, new RegExp(`${other.replaceAll(".", "\\.")}$`, "m"));
      await goesBy("TCP");
    } finally {
      await write(address);
    }
    await peersSay(CLIENT, new RegExp(`${address.replaceAll(".", "\\.")}$`, "m"));
    await testbed.step(SERVER, `ip address del ${other}/24 dev eth0`);
    await goesBy("V4V");
  });

  it("a guest cannot claim an address, in XenStore or on the bridge", async () => {
    // XS_WRITE by the guest's own XenStore device: the kernel passes on what the daemon answers.
    const write = (path: string, value: string) => `import os, struct
body = b${JSON.stringify(path)} + b"\\0" + b${JSON.stringify(value)}
fd = os.open("/dev/xen/xenbus", os.O_RDWR)
os.write(fd, struct.pack("<IIII", 11, 7, 0, len(body)) + body)
kind, _, _, length = struct.unpack("<IIII", os.read(fd, 16))
print(kind, os.read(fd, length))
`;
    const claim = (path: string) =>
      testbed.step(
        CLIENT,
        `printf %s ${quote(write(path, address))} >/tmp/claim.py; python3 /tmp/claim.py`,
      );
    const domid = (await cidOf(CLIENT)) - 2;
    const before = await peersOf("host");
    for (const path of [
      `/v4v/peers/${domid}`,
      `/v4v/peers/claimed`,
      `/local/domain/0/backend/vif/${domid}/0/ip`,
    ])
      expect(await claim(path), path).toMatch(/^16 .*EACCES/);
    // Its own node it may write; it counts for nothing.
    expect(await claim(`/local/domain/${domid}/device/vif/0/ip`)).toMatch(/^11 .*OK/);
    await testbed.step("host", "sleep 1");
    expect(await peersOf("host")).toBe(before);
    await goesBy("V4V");

    // An address that it takes on the bridge, and that is nobody's by the toolstack.
    await testbed.step(
      SERVER,
      `ip address add 10.83.0.98/24 dev eth0; nohup v4vrun socat -U TCP-LISTEN:9002,bind=10.83.0.98,reuseaddr,fork OPEN:${BLOB} >/dev/null 2>&1 & sleep 1`,
    );
    const bytes = await carried(async () => {
      const sum = await testbed.step(CLIENT, "v4vrun socat -u TCP:10.83.0.98:9002 - | sha256sum");
      expect(sum).toContain(blob);
    });
    expect(bytes.v4v).toBeLessThan(BLOB_BYTES * 0.1);
    await testbed.step(SERVER, "pkill socat; ip address del 10.83.0.98/24 dev eth0");
  });

  it("a domain that is paused: a new connection waits as with TCP, and goes on", async () => {
    await testbed.step("host", `xl pause ${SERVER}`);
    try {
      const wait = (prefix: string) =>
        testbed.step(
          CLIENT,
          `${prefix} timeout 3 curl -s -o /dev/null http://${address}:8000/blob; echo "exit code $?"`,
        );
      for (const prefix of ["", "v4vrun"]) expect(await wait(prefix)).toBe("exit code 124");
      await testbed.step(
        CLIENT,
        `nohup sh -c 'v4vrun curl -sS http://${address}:8000/blob | sha256sum >/tmp/late' >/dev/null 2>&1 & sleep 1`,
      );
    } finally {
      await testbed.step("host", `xl unpause ${SERVER}`);
    }
    expect(
      await testbed.step(
        CLIENT,
        "for i in $(seq 150); do [ ! -s /tmp/late ] || break; sleep 0.2; done; cat /tmp/late",
      ),
    ).toContain(blob);
    await goesBy("V4V");
  });

  it("without the module at one end, TCP; loaded again, V4V for who starts then", async () => {
    await killServer(web);
    // Sockets that have just been closed may still hold it.
    await testbed.step(
      SERVER,
      "for i in $(seq 50); do ! rmmod v4v 2>/dev/null || exit 0; sleep 0.2; done; cat /proc/v4v/sockets; exit 1",
    );
    await startServer(web, "v4vrun");
    await goesBy("TCP");
    await killServer(web);
    await testbed.step(SERVER, "/etc/v4v/boot.d/50-v4v");
    await startServer(web, "v4vrun");
    await goesBy("V4V");
  });

  it("a domain that is made again is found by its new number", async () => {
    const old = await cidOf(SERVER);
    await testbed.logOut(SERVER);
    const ms = await testbed.step(
      "host",
      `id=$(xl domid ${SERVER}); xl destroy ${SERVER}; from=$(date +%s%N)
       while xenstore-exists /v4v/peers/$id && [ $(($(date +%s%N) - from)) -lt 20000000000 ]; do :; done
       echo $((($(date +%s%N) - from) / 1000000))`,
    );
    console.log(`gone from the peers after ${ms} ms`);
    expect(Number(ms)).toBeLessThan(20_000);
    await peersSay(CLIENT, new RegExp(address.replaceAll(".", "\\.")), true);
    succeeded(await testbed.up([]));
    expect(await cidOf(SERVER)).not.toBe(old);
    await peersSay(CLIENT, new RegExp(`^ *${await cidOf(SERVER)} +${address}$`, "m"));
    await prepareDomains();
    await startServer(web, "v4vrun");
    await goesBy("V4V");
  });
});

describe("the package v4v-sockets", () => {
  it("is installed by dpkg, switches V4V on for all programs, and goes without a trace", async () => {
    const folder = mkdtempSync(join(tmpdir(), "v4v-packages-"));
    try {
      const built = succeeded(
        await testbed.script(
          "scripts/run",
          ["packages", "--stack", testbed.stack, "--output", folder],
          900,
        ),
      );
      const path = /^.*v4v-sockets_.*\.deb$/m.exec(built.output)?.[0] ?? "";
      const list =
        "find / -xdev -not -path '/var/lib/dpkg/*' -not -path '/tmp/*' | sort | sha256sum";
      const web = programAt(8000);
      for (const domain of [SERVER, CLIENT]) {
        testbed.copy(domain, path, "/tmp/v4v-sockets.deb");
        await testbed.step(
          domain,
          `: >>/var/log/dpkg.log; ${list} >/tmp/before; dpkg -i /tmp/v4v-sockets.deb && /usr/bin/v4vctl system on`,
        );
      }
      await startServer(web, "");
      const bytes = await carried(() => isServed(web, "", blob));
      expect(bytes.v4v).toBeGreaterThan(BLOB_BYTES * MOST);
      await killServer(web);
      for (const domain of [SERVER, CLIENT])
        await testbed.step(
          domain,
          `dpkg -P v4v-sockets && [ ! -e /etc/ld.so.preload ] && ${list} | cmp - /tmp/before`,
        );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
