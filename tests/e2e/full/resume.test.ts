import { beforeAll, describe, expect, it } from "vitest";
import { guestAddress } from "../../../components/network.ts";
import { quote } from "../../../provider/ssh/quote.ts";
import { Duplex } from "../duplex.ts";
import { HypervisorView, type Account } from "../hypervisor.ts";
import { succeeded, takeDownAfterwards } from "../lifecycle.ts";
import { RULE_FLAGS, RULE_TABLE, tableOf } from "../ruleTable.ts";
import { literally, until } from "../sockets/bed.ts";
import { Testbed } from "../testbed.ts";

/**
 * A domU that is saved and goes on, in place or as another domain: what becomes of its connections, its CID, and what the
 * testbed knows of it. The tests build on each other.
 */
const testbed = new Testbed("resume");
const view = new HypervisorView(testbed);

/** Saved is the one, its connections are with the other. */
const [OTHER, SAVED] = ["domu1", "domu2"] as const;
const IMAGE = "/var/tmp/domu.save";
/** More than that must be free on dom0's disk, MiB: a domU's memory and what describes it. */
const IMAGE_MIB = 256;
/** What shall get through, bytes. */
const ENOUGH = 2 ** 20;

/** Both ends of connections that are idle: each says what it got, and how it ended. */
const PROGRAM = `import errno, socket, sys, threading

def hold(one, name):
    try:
        one.sendall(b"hello")
        while more := one.recv(100):
            print(name, more.decode(), flush=True)
        print(name, "end", flush=True)
    except OSError as error:
        print(name, errno.errorcode[error.errno], flush=True)
    one.close()

one = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
cid, port = int(sys.argv[2]), int(sys.argv[3])
if sys.argv[1] == "connect":
    one.connect((cid, port))
    hold(one, "connected")
else:
    one.bind((socket.VMADDR_CID_ANY, port))
    one.listen()
    print("listening", flush=True)
    number = 0
    while True:
        child, _ = one.accept()
        number += 1
        threading.Thread(target=hold, args=(child, number)).start()
`;

/** Its listeners, by domain. */
const PORTS = { [OTHER]: 5041, [SAVED]: 5040 } as const;
type DomU = keyof typeof PORTS;
const across = (domain: DomU): DomU => (domain === OTHER ? SAVED : OTHER);

/** Waits until a log of the program has a line. */
const says = (domain: string, log: string, line: string) =>
  testbed.step(domain, until(`grep -qx ${quote(line)} /tmp/${log}.log`, `cat /tmp/${log}.log`, 60));

const run = (domain: string, log: string, args: string) =>
  testbed.step(
    domain,
    `nohup python3 /tmp/ends.py ${args} >/tmp/${log}.log 2>&1 </dev/null & echo $! >>/tmp/ends.pids`,
  );

/** A connection each way between the listeners of both, which have accepted as many before. */
async function connectBothWays(log: string, before: number): Promise<void> {
  for (const domain of [OTHER, SAVED] as const) {
    const to = across(domain);
    await run(domain, log, `connect ${await testbed.cidOf(to)} ${PORTS[to]}`);
    await says(domain, log, "connected hello");
    await says(to, "listener", `${before + 1} hello`);
  }
}

/** What the module of a domain has counted for a CID. */
async function counted(domain: string, cid: number): Promise<Record<string, number>> {
  const text = await testbed.step(domain, "cat /proc/v4v/domains");
  const [head = [], ...rows] = text.split("\n").map((line) => line.trim().split(/ +/));
  const row = rows.find(([first]) => first === String(cid));
  return Object.fromEntries(head.map((name, i) => [name, Number(row?.[i] ?? 0)]));
}

const ownCid = async (domain: string): Promise<number> =>
  Number(
    await testbed.step(
      domain,
      // IOCTL_VM_SOCKETS_GET_LOCAL_CID
      `python3 -c 'import fcntl, os, struct
device = os.open("/dev/vsock", os.O_RDONLY)
print(struct.unpack("I", fcntl.ioctl(device, 0x7b9, bytes(4)))[0])'`,
    ),
  );

/** Its connection to the controller would have to outlive the pause, too. */
async function save(options: string): Promise<void> {
  await testbed.logOut(SAVED);
  const room = "df --output=avail -BM /var/tmp | tail -n 1 | tr -dc 0-9";
  expect(Number(await testbed.step("host", room))).toBeGreaterThan(IMAGE_MIB);
  const started = Date.now();
  await testbed.step("host", `xl save ${options} ${SAVED} ${IMAGE}`, 900);
  console.log(`saved in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

/** Its network comes back a moment after it does. */
async function answers(): Promise<void> {
  for (let i = 0; ; i++) {
    try {
      await testbed.step(SAVED, "true", 60);
      return;
    } catch (error) {
      if (i === 30) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

/** TCP tries again after ever longer pauses: each end must have got something more before it is asked for much. */
async function goesOnAgain(duplex: Duplex): Promise<void> {
  const before = await duplex.both();
  const least = before.map((counts) => counts.map(({ received }) => received));
  for (let i = 0; i < 150; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const now = await duplex.both();
    if (now.every((end, e) => end.every(({ received }, c) => received > (least[e]?.[c] ?? 0))))
      break;
  }
  await duplex.goesOn(ENOUGH);
}

takeDownAfterwards(testbed);

beforeAll(async () => {
  succeeded(await testbed.up(["--profile", "none", ...RULE_FLAGS], 2400));
  expect(await tableOf(testbed)).toBe(RULE_TABLE);
  for (const domain of [OTHER, SAVED])
    await testbed.step(domain, `printf %s ${quote(PROGRAM)} >/tmp/ends.py`);
  for (const domain of ["host", OTHER, SAVED]) await testbed.step(domain, "dmesg -C");
  await new Duplex(testbed, [SAVED, OTHER]).place();
}, 45 * 60_000);

describe("a domU that is saved and goes on in place", () => {
  it("has lost no byte, no connection and no rule", async () => {
    const domid = await testbed.domidOf(SAVED);
    const duplex = new Duplex(testbed, [SAVED, OTHER]);
    await duplex.start();
    await duplex.goesOn(ENOUGH);
    expect(await duplex.hasMoved()).toBe(true);
    // It is saved while the other end does not cease to send.
    await save("-c");
    await testbed.step("host", `rm ${IMAGE}`);
    await answers();
    await duplex.goesOn(ENOUGH);
    expect(await testbed.domidOf(SAVED)).toBe(domid);
    expect(await ownCid(SAVED)).toBe(domid + 2);
    expect(await duplex.hasMoved()).toBe(true);
    expect(await testbed.step(SAVED, "cat /proc/v4v/sockets")).not.toContain("ring-lost");
    expect(await duplex.finish()).toBeGreaterThan(0);
    expect(await tableOf(testbed)).toBe(RULE_TABLE);
  });
});

describe("a domU that is saved, destroyed and restored", () => {
  const duplex = new Duplex(testbed, [SAVED, OTHER], "tcp");
  const { address } = guestAddress(Number(SAVED.slice(4)));
  let [formerDomid, domid] = [0, 0];
  let bootId = "";
  let accounts = new Map<number, Account>();
  /** By domain and the CID that it counts for. */
  const before = new Map<DomU, Record<string, number>>();

  it("has connections", async () => {
    formerDomid = await testbed.domidOf(SAVED);
    bootId = await testbed.bootId(SAVED);
    accounts = await view.settledRings();
    before.set(OTHER, await counted(OTHER, formerDomid + 2));
    before.set(SAVED, await counted(SAVED, await testbed.cidOf(OTHER)));
    for (const domain of [OTHER, SAVED] as const) {
      await run(domain, "listener", `listen 0 ${PORTS[domain]}`);
      await says(domain, "listener", "listening");
    }
    await connectBothWays("former", 0);
    await duplex.start();
    await duplex.goesOn(ENOUGH);
    expect(await duplex.hasMoved()).toBe(true);
  });

  it("is a death to the other end: connections of AF_VSOCK are reset at once", async () => {
    await save("");
    expect(await testbed.step("host", "xl list")).not.toContain(SAVED);
    await says(OTHER, "former", "connected ECONNRESET");
    await says(OTHER, "listener", "1 ECONNRESET");
    await testbed.step(
      OTHER,
      until(`! v4vctl peers | grep -q ' ${literally(address)}$'`, "v4vctl peers"),
    );
  });

  it("comes back with another number, which all learn, and its connections are reset", async () => {
    await testbed.step("host", `xl restore ${IMAGE} && rm ${IMAGE}`, 900);
    domid = await testbed.domidOf(SAVED);
    expect(domid).not.toBe(formerDomid);
    await answers();
    await says(SAVED, "former", "connected ECONNRESET");
    await says(SAVED, "listener", "1 ECONNRESET");
    expect(await testbed.bootId(SAVED)).toBe(bootId);
    expect(await ownCid(SAVED)).toBe(domid + 2);
    expect(await testbed.step(SAVED, "dmesg")).toContain(`now domain ${domid}, CID ${domid + 2}`);
    for (const domain of ["host", OTHER, SAVED])
      await testbed.step(
        domain,
        until(
          `v4vctl peers | grep -Eq '^ *${domid + 2} +${literally(address)}$' && ! v4vctl peers | grep -Eq '^ *${formerDomid + 2} '`,
          "v4vctl peers",
        ),
      );
  });

  it("has its TCP connection still, without V4V, and every byte of it", async () => {
    await goesOnAgain(duplex);
    for (const domain of [OTHER, SAVED])
      expect(await testbed.step(domain, "cat /proc/v4v/sockets"), domain).toMatch(
        /:6202 .* moved ring-lost /,
      );
    console.log(`bytes before and after: ${await duplex.finish()}`);
  });

  it("makes new connections, by V4V: AF_VSOCK's with the listeners of before, and a program's under v4vrun", async () => {
    await connectBothWays("new", 1);
    const again = new Duplex(testbed, [SAVED, OTHER], "tcp");
    await again.start();
    await again.goesOn(ENOUGH);
    expect(await again.hasMoved()).toBe(true);
    const tx = (await counted(OTHER, domid + 2)).tx_bytes ?? 0;
    // More than its ring may have held before.
    await again.goesOn(4 * ENOUGH);
    expect((await counted(OTHER, domid + 2)).tx_bytes).toBeGreaterThan(tx + 2 * ENOUGH);
    expect(await again.finish()).toBeGreaterThan(0);
  });

  it("leaves statistics that agree at both ends, and no ring behind", async () => {
    for (const domain of [OTHER, SAVED])
      await testbed.step(domain, "kill $(cat /tmp/ends.pids) 2>/dev/null; :");
    const settled = await view.settledRings();
    expect(settled.has(formerDomid)).toBe(false);
    const other = await testbed.domidOf(OTHER);
    expect(settled.get(other)).toEqual(accounts.get(other));
    expect(settled.get(domid)).toEqual(accounts.get(formerDomid));
    const since = async (domain: DomU, cid: number, from: Record<string, number> = {}) => {
      const now = await counted(domain, cid);
      return Object.fromEntries(
        Object.entries(now).map(([name, value]) => [name, value - (from[name] ?? 0)]),
      );
    };
    const toFormer = await since(OTHER, formerDomid + 2, before.get(OTHER));
    const toNow = await since(OTHER, domid + 2);
    const toOther = await since(SAVED, other + 2, before.get(SAVED));
    // Two of AF_VSOCK and one that has moved, each time.
    expect(toFormer).toMatchObject({ open: 0, connections: 3, resets: 2, dropped: 0 });
    expect(toNow).toMatchObject({ open: 0, connections: 3, resets: 0, dropped: 0 });
    expect(toOther).toMatchObject({ open: 0, connections: 6, resets: 2, dropped: 0 });
    // What rings took on the one side has been read on the other, also what was in them when it was saved.
    const sum = (name: string) => (toFormer[name] ?? 0) + (toNow[name] ?? 0);
    expect(toOther.rx_bytes).toBe(sum("tx_bytes"));
    expect(toOther.tx_bytes).toBe(sum("rx_bytes"));
    for (const domain of ["host", OTHER])
      expect(await testbed.step(domain, "dmesg"), domain).not.toMatch(
        /BUG|Oops|WARNING|Call Trace|general protection|blocked for/,
      );
    // What the kernel's other parts think of a restore is no matter of this test.
    expect(await testbed.step(SAVED, "dmesg")).not.toMatch(
      /BUG|Oops|general protection|\[v4v\]|blocked for/,
    );
  });

  it("is taken over by refresh, and up restores its rules without restarting it", async () => {
    // Rules that name it ended with the former domain, and xl knows none.
    expect(await tableOf(testbed)).toBe("-P ACCEPT");
    const refresh = ["refresh", "--yes", "--stack", testbed.stack];
    const { output } = succeeded(await testbed.pulumi(refresh));
    expect(output).not.toMatch(/\d+ deleted/);
    const known = (await testbed.resources()).find(
      ({ type, id }) => type === "v4v:index:Domain" && id === SAVED,
    );
    expect(known?.outputs).toMatchObject({ domid, cid: domid + 2, state: "running", bootId });
    succeeded(await testbed.up([]));
    expect(await tableOf(testbed)).toBe(RULE_TABLE);
    expect(await testbed.domidOf(SAVED)).toBe(domid);
    expect(await testbed.bootId(SAVED)).toBe(bootId);
    const again = succeeded(await testbed.up([]));
    expect(again.output).not.toMatch(/\d+ (created|updated|deleted)/);
  });
});
