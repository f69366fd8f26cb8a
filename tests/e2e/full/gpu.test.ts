import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { gpuGuest } from "../../../components/network.ts";
import { readGpuSamples, type GpuConnection } from "../../../evaluation/gpu/samples.ts";
import { sha256 as sha256Of } from "../../../evaluation/hash.ts";
import { parseCsv } from "../../../evaluation/results.ts";
import { GPU_SAMPLES } from "../../../evaluation/runFiles.ts";
import { succeeded, takeDownAfterwards } from "../lifecycle.ts";
import { Testbed } from "../testbed.ts";

/**
 * The GPU domU on the real Xen: an emulated display device passed through, PoCL's server on the domU's CPU, and a client
 * that reaches it by TCP and by V4V.
 */
const testbed = new Testbed("gpu");
const DEVICE = "0000:00:10.0";
const REMOTE = ["--remote-gpu-enabled", "true"];
/** Seconds for a command that compiles a kernel under emulation. */
const COMPILES = 600;

takeDownAfterwards(testbed);

beforeAll(async () => {
  console.log(`clone of the project: ${testbed.project}`);
  succeeded(await testbed.up([...REMOTE, "--profile", "none"], 2400));
}, 45 * 60_000);

const driverInDom0 = () =>
  testbed.step("host", `basename "$(readlink /sys/bus/pci/devices/${DEVICE}/driver)"`);

const way = (domain: string) =>
  testbed.step(
    domain,
    `awk 'NR > 1 { n += $6 + $8 } END { printf "%.0f ", n }' /proc/v4v/domains
     sed -n 's/^ *eth0: *//p' /proc/net/dev | awk '{ printf "%.0f", $1 + $9 }'`,
  );

/** Bytes that a client's command moved, by rings and by its network interface. */
async function moved(command: () => Promise<unknown>): Promise<{ ring: number; net: number }> {
  const read = async () => (await way("domu1")).split(" ").map(Number);
  const [ringBefore = 0, netBefore = 0] = await read();
  await command();
  const [ring = 0, net = 0] = await read();
  return { ring: ring - ringBefore, net: net - netBefore };
}

/** By rings and by TCP: what went the right way, and what went the other. */
const ORDER = {
  tcp: ({ ring, net }: { ring: number; net: number }) => [net, ring],
  "v4v-sockets": ({ ring, net }: { ring: number; net: number }) => [ring, net],
} as const;

const ROUTES = ["tcp", "v4v-sockets"] as const;

/** Three matrices of 256 x 256 floats, twice. */
const PAYLOAD = 6 * 256 * 256 * 4;

/** A product in domu1, cold and warm, by one way: what the program said, and that its bytes went that way and no other. */
async function product(route: (typeof ROUTES)[number], options = ""): Promise<string> {
  let said = "";
  const bytes = await moved(async () => {
    said = await testbed.step(
      "domu1",
      `remote-gpu ${route} gpu-bench matmul${options} --transport ${route} --repetitions 1 --timeout ${COMPILES} 256`,
      COMPILES + 60,
    );
  });
  expect(said.match(/"ok":true/g), said).toHaveLength(2);
  const [right = 0, other = 0] = ORDER[route](bytes);
  expect(right, route).toBeGreaterThan(PAYLOAD);
  expect(other, route).toBeLessThan(right / 4);
  const connections = said
    .split("\n")
    .filter((line) => line.startsWith('{"type":"connection"'))
    .map((line) => JSON.parse(line) as GpuConnection);
  expect(connections, said).not.toEqual([]);
  let [ring, tcp] = [0, 0];
  for (const { ss, v4v } of connections) {
    expect(ss).not.toBeNull();
    tcp += (ss?.sent ?? 0) + (ss?.received ?? 0);
    if (route === "tcp") expect(v4v).toBeNull();
    else expect(v4v?.state).toBeDefined();
    ring += (v4v?.ring_sent ?? 0) + (v4v?.ring_received ?? 0);
  }
  const [shown = 0, beside = 0] = ORDER[route]({ ring, net: tcp });
  expect(shown, said).toBeGreaterThan(PAYLOAD);
  expect(beside, said).toBeLessThan(shown / 4);
  return said;
}

describe("the device", () => {
  it("is seen in the domU, its memory mapped, written and read back", async () => {
    expect(await driverInDom0()).toBe("pciback");
    const seen = await testbed.step("gpu", "lspci -D -nn -d 1234:1111");
    expect(seen).toMatch(/^[0-9a-f:.]+ Display controller .*\[1234:1111\]/);
    const [address = ""] = seen.split(" ");
    expect(await testbed.step("gpu", `pci-bar ${address}`)).toMatch(
      /^16777216 bytes written at \d+ MB\/s and read back right at \d+ MB\/s$/,
    );
    // Its second region is registers, one page of them.
    expect(
      await testbed.step("gpu", `stat -L -c %s /sys/bus/pci/devices/${address}/resource2`),
    ).toBe("4096");
  });

  it("is nobody else's", async () => {
    expect(await testbed.step("domu1", "ls /sys/bus/pci/devices 2>/dev/null | wc -l")).toBe("0");
  });
});

describe("PoCL's server", () => {
  it("runs unprivileged, on the domU's own address, for the testbed's domains only", async () => {
    await testbed.step(
      "gpu",
      `for try in $(seq 120); do
         [ "$(ss -Hltn | grep -cE '10\\.83\\.0\\.10:(10998|11008|11020|11030) ')" = 4 ] && exit
         sleep 1
       done
       systemctl --no-pager status 'pocld-*' 'gpu-socket-*'; exit 1`,
      180,
    );
    const listening = await testbed.step("gpu", "ss -Hltn | awk '{ print $4 }'");
    const ports = listening.split("\n").filter((address) => !address.endsWith(":22"));
    expect(ports.length).toBeGreaterThan(0);
    // Its port for other servers listens everywhere: the domU has no other interface, and the firewall is for all three.
    for (const address of ports)
      expect(address).toMatch(/^(10\.83\.0\.10:(1099[89]|1100[89]|110[23]0)|0\.0\.0\.0:110[01]0)$/);
    for (const unit of [
      "pocld-tcp",
      "pocld-v4v-sockets",
      "gpu-socket-tcp",
      "gpu-socket-v4v-sockets",
    ]) {
      const user = await testbed.step(
        "gpu",
        `ps -o uid= -p $(systemctl show -p MainPID --value ${unit})`,
      );
      expect(Number(user)).toBeGreaterThan(60_000);
    }
    // An address on the bridge that is none of the testbed's network.
    await testbed.step("host", "ip address add 10.84.0.1/24 dev xenbr0");
    await testbed.step("gpu", "ip route add 10.84.0.0/24 dev eth0");
    const connect = (from: string) =>
      testbed.step(
        "host",
        `timeout 60 python3 -c "import socket; socket.create_connection(('${gpuGuest.address}', 10998), 10, ('${from}', 0))" 2>/dev/null; echo $?`,
      );
    expect(await connect("10.83.0.1")).toBe("0");
    expect(await connect("10.84.0.1")).not.toBe("0");
    await testbed.step("host", "ip address del 10.84.0.1/24 dev xenbr0");
  });

  it.each(ROUTES)("computes for another domU by %s, and the results are right", async (route) => {
    expect(await product(route)).toContain('"type":"cpu"');
  });

  it("that dies in the middle costs a client that sample, and the next one is served", async () => {
    const file = "/tmp/server-dies";
    const client = testbed.step(
      "domu1",
      `remote-gpu tcp gpu-bench matmul --transport tcp --repetitions 100000 --timeout 180 64 >${file} 2>&1
       echo status $?; echo good $(grep -c '"ok":true' ${file}); grep '"ok":false' ${file}`,
      COMPILES,
    );
    // In the middle: it has said that it computes.
    const killing = testbed
      .step(
        "domu1",
        `for try in $(seq 170); do grep -q '"ok":true' ${file} 2>/dev/null && exit; sleep 1; done; exit 1`,
        240,
      )
      .then(() => testbed.step("gpu", "systemctl kill -s KILL pocld-tcp"));
    const [said] = await Promise.all([client, killing]);
    expect(said).toContain("status 1");
    expect(said).toMatch(/^good [1-9]\d*$/m);
    expect(said.match(/"ok":false/g)).toHaveLength(1);
    const again = await testbed.step(
      "domu1",
      "remote-gpu tcp gpu-bench matmul --transport tcp --repetitions 1 --timeout 300 64",
      COMPILES,
    );
    expect(again.match(/"ok":true/g)).toHaveLength(2);
  });
});

it("what is larger than a domU's memory is refused in a sentence", async () => {
  const run = (where: string, command: string) =>
    testbed.step(where, `${command} 2>&1; echo status $?`, COMPILES);
  const small = await run("domu1", "remote-gpu tcp gpu-bench matmul --transport tcp 16384");
  expect(small).toMatch(/matrices of 16384 x 16384 need \d+ bytes here/);
  expect(small).toContain("status 1");
  const large = await run("gpu", "gpu-bench transfer --repetitions 1 --count 1 1000000000");
  expect(large).toMatch(/a transfer of 1000000000 bytes needs \d+ here, and \d+ are available/);
  expect(large).toContain("status 1");
});

/** Ends the server that a leg of the evaluation uses, once that leg has a result and before it has all of them. */
const killServerOfLeg = () =>
  testbed.step(
    "host",
    `for try in $(seq 5000); do
       for leg in /var/lib/v4v-testbed/runs/*/gpu.jsonl.leg; do
         if grep -q '"transport":"tcp","workload":"matmul","attempt":1' $leg 2>/dev/null &&
           grep -q '"ok":true' \${leg%.leg}.out 2>/dev/null; then
           ssh -n -F /etc/v4v-testbed/ssh_config gpu systemctl kill -s KILL pocld-tcp && echo killed && exit
         fi
       done
       sleep 0.5
     done`,
    3600,
  );

/** How often the GPU domU's server of V4V has been started. */
const starts = async () =>
  Number(
    await testbed.step(
      "gpu",
      "journalctl --no-pager -q -o cat -u pocld-v4v-sockets | grep -c '^Started '",
    ),
  );

it(
  "the evaluation has the GPU's legs, goes on after a server that died, and says that and that the CPU computed",
  async () => {
    const before = await starts();
    // Not waited for where the evaluation fails: it would look for its leg for long.
    const killing = killServerOfLeg().catch(String);
    succeeded(await testbed.up([...REMOTE, "--profile", "smoke", "--repetitions", "2"], 5400));
    expect(await killing).toBe("killed");
    // A fresh one in each of the two blocks.
    expect(await starts()).toBeGreaterThanOrEqual(before + 2);
    const run = join(testbed.project, "artifacts/latest");
    const rows = parseCsv(readFileSync(join(run, "results.csv"), "utf8"));
    const find = (experiment: string, transport: string) =>
      rows.filter((row) => row.experiment === experiment && row.transport === transport);
    for (const transport of ["native", "tcp", "v4v-sockets"])
      for (const experiment of ["gpu-matmul", "gpu-stencil", "gpu-transfer"])
        expect(find(experiment, transport), `${experiment} ${transport}`).not.toEqual([]);
    for (const transport of ["tcp", "v4v-sockets"])
      for (const metric of ["to_device", "from_device"])
        expect(
          find("gpu-socket", transport).filter((row) => row.metric === metric),
          `socket ${metric} ${transport}`,
        ).not.toEqual([]);
    for (const transport of ["tcp", "v4v-sockets"])
      for (const metric of ["rate", "fairness", "slowdown"])
        expect(
          find("gpu-sharing", transport).filter((row) => row.metric === metric && row.pairs === 2),
          `${metric} ${transport}`,
        ).not.toEqual([]);
    const { attempts, hosts } = readGpuSamples(readFileSync(join(run, GPU_SAMPLES), "utf8"));
    const blocks = attempts.map(({ block }) => block);
    expect([...blocks].sort((a, b) => a - b)).toEqual(blocks);
    for (const block of [0, 1])
      expect(
        new Set(attempts.filter((one) => one.block === block).map(({ transport }) => transport)),
        `block ${block}`,
      ).toEqual(new Set(["native", ...ROUTES]));
    expect(hosts.domu1).toBeDefined();
    expect(hosts.domu1).toEqual(hosts.gpu);
    const report = readFileSync(join(run, "report.html"), "utf8");
    expect(report).toContain(
      "GPU experiments: the CPU computed, beside an emulated device: no GPU.",
    );
    expect(report).toMatch(/\d+ legs? of the GPU(&#x27;|')s failed/);
    expect(report).toContain("(measured again)");
    expect(new Set(rows.map(({ computedBy }) => computedBy))).toEqual(new Set(["", "cpu", "none"]));
    const { gpu } = JSON.parse(readFileSync(join(run, "summary.json"), "utf8")) as {
      gpu: {
        ways: { transport: string; verdict: string; why: string }[];
        buffers: { transport: string; server: object | null }[];
      };
    };
    // Asked at both ends.
    const asked = gpu.buffers.filter(({ server }) => server !== null);
    expect(new Set(asked.map(({ transport }) => transport))).toEqual(new Set(ROUTES));
    expect(new Set(gpu.ways.map(({ transport }) => transport))).toEqual(
      new Set(["native", ...ROUTES]),
    );
    expect(gpu.ways.filter(({ verdict }) => verdict !== "proven")).toEqual([]);
  },
  95 * 60_000,
);

describe("rCUDA's archive (a double of it: tests/rcuda-double)", () => {
  const up = (archive: string, sha256: string) =>
    testbed.up(
      [
        ...[...REMOTE, "--profile", "none", "--remote-gpu-product", "rcuda"],
        ...["--remote-gpu-rcuda-archive", archive, "--remote-gpu-rcuda-sha256", sha256],
      ],
      1200,
    );

  it("is refused with another checksum, and without a path, before anything changes", async () => {
    for (const [path, why] of [
      ["/nowhere/rcuda.tar.gz", "does not exist"],
      [join(testbed.project, "package.json"), "it is another archive, or damaged"],
    ] as const) {
      const { code, output } = await up(path, "0".repeat(64));
      expect(code).not.toBe(0);
      expect(output).toContain(why);
    }
    expect(await testbed.step("domu1", "ls /opt")).not.toContain("remote-gpu");
  }, 900_000);

  it("is deployed as its description says, and serves both ways", async () => {
    const archive = join((await testbed.build("rcuda-double")).path, "rcuda.tar.gz");
    const sha256 = sha256Of(readFileSync(archive));
    // The domUs start anew: a login that steps share would hang.
    await testbed.logOut("domu1");
    await testbed.logOut("gpu");
    succeeded(await up(archive, sha256));
    for (const route of ROUTES)
      expect(await product(route, " --backend cuda")).toContain(
        '"name":"double of rCUDA (memory of gpu, no CUDA)"',
      );
  }, 1500_000);
});

it("the device is given back to the driver that dom0 had for it", async () => {
  const remembered = await testbed.step(
    "host",
    `cat /var/lib/v4v-testbed/passthrough/${DEVICE}; ls /var/lib/v4v-testbed/passthrough | wc -l`,
  );
  const [driver = "", notes] = remembered.split("\n");
  expect(notes).toBe("1");
  expect(await driverInDom0()).toBe("pciback");
  const device = (await testbed.resources()).find(({ type }) => type === "v4v:index:Passthrough");
  await testbed.logOut("gpu");
  const target = ["--target", device?.urn ?? "", "--target-dependents"];
  succeeded(await testbed.pulumi(["destroy", "--yes", "--stack", testbed.stack, ...target], 900));
  expect(await testbed.step("host", "xl domid gpu 2>/dev/null || echo gone")).toBe("gone");
  expect(await driverInDom0()).toBe(driver);
  expect(
    await testbed.step("host", "ls /var/lib/v4v-testbed/passthrough 2>/dev/null || echo none"),
  ).toBe("none");
});

it(
  "without a GPU domU the machine is the plain one again",
  async () => {
    for (const name of ["domu1", "gpu", "host"]) await testbed.logOut(name);
    succeeded(await testbed.up(["--remote-gpu-enabled", "false", "--profile", "none"], 2400));
    expect(await testbed.step("host", "xl domid gpu 2>/dev/null || echo gone")).toBe("gone");
  },
  45 * 60_000,
);
