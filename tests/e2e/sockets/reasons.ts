import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { guestAddress } from "../../../components/network.ts";
import { quote } from "../../../provider/ssh/quote.ts";
import { BLOB, BLOB_BYTES } from "../programs.ts";
import { succeeded } from "../lifecycle.ts";
import { CLIENT, FULL, MOST, SERVER, literally, programAt, until, type SocketsBed } from "./bed.ts";
import { costOfAsking } from "./cost.ts";

/** An address on the bridge that is nobody's, and one that only a domain itself says it has. */
const NOBODYS = "10.83.0.200";
const CLAIMED = "10.83.0.98";

/** What a connection is told of its way, who can choose it, and what else has a part in it. */
export function describeReasons(bed: SocketsBed): void {
  const { address } = bed;
  const web = programAt(8000);
  const redis = programAt(6379);
  const fetch = (options: string, { before = "", file = "key.pub" } = {}) =>
    bed.step(
      CLIENT,
      `${before} v4vrun ${options} curl -sS -o /dev/null http://${address}:8000/${file} 2>&1; echo "exit code $?"`,
    );

  /** Says what it costs to ask in vain. */
  async function sayCost(when: string, { atServer = "v4vrun", at = address } = {}): Promise<void> {
    const server = redis.server.replace("$2", at);
    await bed.startListener(SERVER, "redis", redis.port, server, atServer);
    const { plain, asking } = await costOfAsking(bed, at);
    await bed.endScript(SERVER, "redis");
    console.log(
      `a connection, a question and an answer, ${when}: ${asking} us with v4vrun, ${plain} us without`,
    );
  }

  describe("what a connection is told of its way", () => {
    beforeAll(() => bed.startServer(web, "v4vrun"));
    afterAll(() => bed.killServer(web));

    it("--explain", async () => {
      expect(await fetch("--explain", { file: "blob" })).toMatch(
        new RegExp(`connected to ${literally(address)}:8000: V4V; V4V \\d+ bytes out, \\d{7} in`),
      );
      expect(await fetch("--explain --exclude :8000")).toContain("as the lists leave it out");
    });

    it("modes and lists, from a file too", async () => {
      expect(await fetch("--mode require")).toContain("exit code 0");
      const elsewhere = await bed.step(
        CLIENT,
        `v4vrun --mode require curl -sS -m 5 http://${NOBODYS}:8000/ 2>&1; echo "exit code $?"`,
      );
      expect(elsewhere).toMatch(/Failed to connect[\s\S]*exit code 7/);
      // The user's own file, the system's, and what is said for one run.
      const file =
        "mkdir -p /etc/v4v; printf 'include = :9000, :8000-8001\\nexclude = %s/32:8000\\n'";
      await bed.step(CLIENT, `${file} ${address} | tee /etc/v4v/sockets.conf >/tmp/sockets.conf`);
      const leftOut = expect.stringContaining("as the lists leave it out") as string;
      expect(await fetch("--explain")).toEqual(leftOut);
      await bed.step(CLIENT, "rm /etc/v4v/sockets.conf");
      expect(await fetch("--explain", { before: "V4V_CONFIG=/tmp/sockets.conf" })).toEqual(leftOut);
      expect(await fetch("--explain", { before: "V4V_INCLUDE=:8001" })).toEqual(leftOut);
      expect(await fetch("--explain", { before: "V4V_MODE=off", file: "blob" })).not.toContain(
        "V4V;",
      );
      await bed.step(CLIENT, "echo mode = sometimes >/tmp/sockets.conf");
      expect(await fetch("", { before: "V4V_CONFIG=/tmp/sockets.conf" })).toMatch(
        /line 1[\s\S]*exit code 125/,
      );
    });

    it("an address of nobody: the same failure as without v4vrun, no earlier and no later", async () => {
      const fails = (prefix: string) =>
        bed.step(
          CLIENT,
          `timeout 60 ${prefix} python3 -c 'import errno, socket, time
start = time.monotonic()
for address in ("${NOBODYS}", 9), ("${address}", 9):
    try:
        socket.create_connection(address)
    except OSError as error:
        print(errno.errorcode[error.errno])
print("took", time.monotonic() - start, "s")'`,
          90,
        );
      const [plain = "", asking = ""] = [await fails(""), await fails("v4vrun")].map((said) => {
        console.log(said);
        return said.replace(/^took.*$/m, "");
      });
      expect(plain).toBe("EHOSTUNREACH\nECONNREFUSED\n");
      expect(asking).toBe(plain);
    });

    it("a listener that did not ask costs it little", async () => {
      await sayCost("with a listener that did not ask", { atServer: "" });
    });

    it("ss and netstat show it as any other; v4vctl where it goes", async () => {
      const PORT = 9003;
      await bed.startListener(
        SERVER,
        "echo",
        PORT,
        `exec $1 socat TCP-LISTEN:${PORT},bind=$2,reuseaddr,fork PIPE`,
        "v4vrun",
      );
      await bed.startScript(CLIENT, "held", `sleep 60 | $1 socat - TCP:$2:${PORT}`, "v4vrun");
      await bed.step(
        CLIENT,
        until(`grep -q ':${PORT} .* moved ' /proc/v4v/sockets`, "cat /proc/v4v/sockets"),
      );
      const client = literally(guestAddress(1).address);
      const server = literally(address);
      expect(await bed.step(CLIENT, "ss -Htn; busybox netstat -tn")).toMatch(
        new RegExp(
          `ESTAB +0 +0 +${client}:\\d+ +${server}:${PORT}[\\s\\S]*tcp +0 +0 ${client}:\\d+ +${server}:${PORT} +ESTABLISHED`,
        ),
      );
      expect(await bed.step(SERVER, "ss -Htlnp")).toMatch(
        new RegExp(`LISTEN +0 +\\d+ +${server}:${PORT}.*"socat"`),
      );
      for (const domain of [CLIENT, SERVER])
        expect(await bed.step(domain, "v4vctl connections")).toMatch(
          new RegExp(`${server}:${PORT}.* moved`),
        );
      expect(await bed.step(CLIENT, "v4vctl stats")).toMatch(
        new RegExp(`^ *${await bed.cidOf(SERVER)} `, "m"),
      );
      for (const [domain, name] of [
        [CLIENT, "held"],
        [SERVER, "echo"],
      ] as const)
        await bed.endScript(domain, name);
    });

    it("a statically linked program: V4V from a control group that asks, else TCP", async () => {
      const group = "/sys/fs/cgroup/asks";
      await bed.step(
        CLIENT,
        `[ -e ${group} ] || { mount -t cgroup2 none /sys/fs/cgroup && mkdir ${group}; }; v4vctl cgroups /asks`,
      );
      const get = `busybox wget -q -O - http://${address}:8000/blob`;
      const fetchFrom = (before: string) =>
        bed.carried(async () => {
          const said = await bed.step(
            CLIENT,
            `sh -c ${quote(`${before} exec ${get}`)} | sha256sum`,
          );
          expect(said).toContain(bed.blob);
        });
      const inside = await fetchFrom(`echo $$ >${group}/cgroup.procs;`);
      expect(inside.v4v).toBeGreaterThan(BLOB_BYTES * MOST);
      const outside = await fetchFrom("");
      expect(outside.vif).toBeGreaterThan(BLOB_BYTES * MOST);
      await bed.step(CLIENT, "v4vctl cgroups none");
    });

    it("a service of dom0, statically linked: V4V when its control group asks", async () => {
      const gateway = "10.83.0.1";
      await bed.step(
        "host",
        `v4vctl cgroups /system.slice/asks.service; head -c ${BLOB_BYTES} /dev/zero >/run/zero
         systemd-run -q --unit asks busybox nc -ll -p 8001 -e cat /run/zero
         ${until("ss -Hltn 'sport = :8001' | grep -q .", "systemctl status asks")}`,
      );
      const bytes = await bed.carried(async () => {
        const said = await bed.step(CLIENT, `v4vrun nc ${gateway} 8001 </dev/null | wc -c`);
        expect(said).toBe(String(BLOB_BYTES));
      });
      expect(bytes.v4v).toBeGreaterThan(BLOB_BYTES * MOST);
      await bed.step("host", "systemctl stop asks; v4vctl cgroups none; rm /run/zero");
    });

    it("without the daemon, TCP; killed or stuck, it comes back and nobody notices", async () => {
      const there = literally(address);
      const gone = await bed.noticed("systemctl stop v4vd", ` ${there}$`, true);
      await bed.peersSay(CLIENT, new RegExp(there), true);
      await bed.goesBy("TCP");
      await sayCost("without the daemon");
      const back = await bed.noticed("systemctl start v4vd", ` ${there}$`);
      console.log(`v4vd stopped: noticed after ${gone} ms; started: ${back} ms`);
      await bed.peersSay(CLIENT, new RegExp(there));
      await bed.goesBy("V4V");
      // The watchdog's time is 20 s.
      for (const signal of FULL ? ["KILL", "STOP"] : ["KILL"]) {
        const of = "systemctl show -P MainPID v4vd";
        await bed.step(
          "host",
          `before=$(${of}); systemctl kill -s ${signal} v4vd
           ${until(`systemctl -q is-active v4vd && [ "$(${of})" != "$before" ]`, of, 120)}`,
          150,
        );
        await bed.goesBy("V4V");
      }
    });

    it("with a rule that denies, TCP", async () => {
      const rule = `-s ${CLIENT} -d ${SERVER} -j drop`;
      await bed.step("host", `viptables -A ${rule}`);
      await bed.goesBy("TCP");
      await sayCost("with a rule that denies");
      await bed.step("host", `viptables -D ${rule}`);
      await bed.goesBy("V4V");
    });

    it("an address that the toolstack changes is found", async () => {
      const other = "10.83.0.99";
      const node = `/local/domain/0/backend/vif/$(xl domid ${SERVER})/0/ip`;
      const write = async (text: string) => {
        const ms = await bed.noticed(`xenstore-write ${node} ${text}`, ` ${literally(text)}$`);
        console.log(`an address changed: noticed after ${ms} ms`);
      };
      await bed.step(SERVER, `ip address add ${other}/24 dev eth0`);
      try {
        await write(other);
        await bed.peersSay(CLIENT, new RegExp(` ${literally(other)}$`));
        await bed.goesBy("TCP");
      } finally {
        await write(address);
      }
      await bed.peersSay(CLIENT, new RegExp(` ${literally(address)}$`));
      await bed.step(SERVER, `ip address del ${other}/24 dev eth0`);
      await bed.goesBy("V4V");
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
        bed.step(
          CLIENT,
          `printf %s ${quote(write(path, address))} >/tmp/claim.py; python3 /tmp/claim.py`,
        );
      const domid = (await bed.cidOf(CLIENT)) - 2;
      const before = await bed.peersOf("host");
      for (const path of [
        `/v4v/peers/${domid}`,
        `/v4v/peers/claimed`,
        `/local/domain/0/backend/vif/${domid}/0/ip`,
      ])
        expect(await claim(path), path).toMatch(/^16 .*EACCES/);
      // Its own node it may write; it counts for nothing.
      expect(await claim(`/local/domain/${domid}/device/vif/0/ip`)).toMatch(/^11 .*OK/);
      await bed.step("host", "sleep 1");
      expect(await bed.peersOf("host")).toBe(before);
      await bed.goesBy("V4V");

      // An address that it takes on the bridge, and that is nobody's by the toolstack.
      await bed.step(SERVER, `ip address add ${CLAIMED}/24 dev eth0`);
      await bed.startListener(
        SERVER,
        "claimed",
        9002,
        `exec $1 socat -U TCP-LISTEN:9002,bind=${CLAIMED},reuseaddr,fork OPEN:${BLOB}`,
        "v4vrun",
      );
      const bytes = await bed.carried(async () => {
        const sum = await bed.step(CLIENT, `v4vrun socat -u TCP:${CLAIMED}:9002 - | sha256sum`);
        expect(sum).toContain(bed.blob);
      });
      expect(bytes.v4v).toBeLessThan(BLOB_BYTES * 0.1);
      await bed.endScript(SERVER, "claimed");
      await sayCost("to an address that is no peer's", { at: CLAIMED });
      await bed.step(SERVER, `ip address del ${CLAIMED}/24 dev eth0`);
    });

    it("a domain that is paused: a new connection waits as with TCP, and goes on", async () => {
      await bed.step("host", `xl pause ${SERVER}`);
      try {
        const wait = (prefix: string) =>
          bed.step(
            CLIENT,
            `${prefix} timeout 3 curl -s -o /dev/null http://${address}:8000/blob; echo "exit code $?"`,
          );
        for (const prefix of ["", "v4vrun"]) expect(await wait(prefix)).toBe("exit code 124");
        await bed.step(
          CLIENT,
          `rm -f /tmp/late; nohup sh -c 'v4vrun curl -sS http://${address}:8000/blob | sha256sum >/tmp/late' >/dev/null 2>&1 & sleep 1`,
        );
      } finally {
        await bed.step("host", `xl unpause ${SERVER}`);
      }
      await bed.step(CLIENT, until("[ -s /tmp/late ]", "echo nothing came"));
      expect(await bed.step(CLIENT, "cat /tmp/late")).toContain(bed.blob);
      await bed.goesBy("V4V");
    });

    it("without the module at one end, TCP; loaded again, V4V for who starts then", async () => {
      // Sockets that have just been closed may still hold it.
      const unload = (domain: string) =>
        bed.step(domain, until("rmmod v4v 2>/dev/null", "cat /proc/v4v/sockets"));
      const load = (domain: string) => bed.step(domain, "/etc/v4v/boot.d/50-v4v");
      await bed.killServer(web);
      await unload(SERVER);
      await bed.startServer(web, "v4vrun");
      await bed.goesBy("TCP");
      await sayCost("without the module at the other end");
      await bed.killServer(web);
      await load(SERVER);
      await unload(CLIENT);
      await sayCost("without the module at this end");
      await load(CLIENT);
      await bed.peersSay(CLIENT, new RegExp(literally(address)));
      await bed.startServer(web, "v4vrun");
      await bed.goesBy("V4V");
    });

    it("a domain that is made again is found by its new number", async () => {
      await bed.kernelsAreCalm();
      const old = await bed.cidOf(SERVER);
      await bed.testbed.logOut(SERVER);
      const ms = await bed.noticed(`xl destroy ${SERVER}`, ` ${literally(address)}$`, true);
      console.log(`a domain destroyed: noticed after ${ms} ms`);
      await bed.peersSay(CLIENT, new RegExp(literally(address)), true);
      succeeded(await bed.testbed.up([]));
      const cid = await bed.cidOf(SERVER);
      expect(cid).not.toBe(old);
      await bed.peersSay(CLIENT, new RegExp(`^ *${cid} +${literally(address)}$`));
      await bed.prepareDomains();
      await bed.startServer(web, "v4vrun");
      await bed.goesBy("V4V");
    });
  });
}
