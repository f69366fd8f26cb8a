import { existsSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { bridge, guestAddress } from "../../components/network.ts";
import { cacheFolder } from "../../provider/host/folders.ts";
import { storeSays } from "./consoles.ts";
import { given, givenBelow, listening, ProcessWatch } from "./secrets.ts";
import { holdersOnHost, holdersWithDomUs, secretsOf } from "./stackSecrets.ts";
import { succeeded, takeDownAfterwards } from "./lifecycle.ts";
import { tableOf } from "./ruleTable.ts";
import { printed, type Finished } from "./run.ts";
import { Testbed } from "./testbed.ts";
import { VsockSuite, type End } from "./vsockSuite.ts";

/**
 * The user's path on the real Xen in emulation: up, use, change, mend, destroy. The tests build on each other: one
 * machine goes through all of them.
 */
const testbed = new Testbed();

const FULL = process.env.V4V_TEST === "full";

/** Command lines of dom0's processes, looked at each second; two processes a look, as dom0 is slow. */
const WATCH_COMMAND_LINES = `
rm -f /run/seen-enough
while [ ! -e /run/seen-enough ]; do
  cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '
  echo
  sleep 1
done
rm /run/seen-enough`;

/** Number of resources that the last update counted under a word: created, updated, deleted, unchanged. */
function counted(output: string, word: string): number {
  return Number(new RegExp(`\\b(\\d+) ${word}`).exec(output)?.[1] ?? 0);
}

const seconds = (label: string, result: Finished): void => {
  console.log(`${label}: ${result.seconds.toFixed(0)} s`);
};

beforeAll(() => {
  console.log(`clone of the project: ${testbed.project}`);
});

takeDownAfterwards(testbed);

/** Where the descriptors of a process lead. */
const linksOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });

describe("before anything runs", () => {
  it("tells every mistake in the configuration at once, and starts nothing", async () => {
    const result = await testbed.up(
      ["--vms", "1", "--domu-memory-mib", "lots", "--profile", "huge"],
      900,
    );
    expect(result.code).not.toBe(0);
    expect(result.output).toContain("3 problems");
    expect(result.output).toMatch(/vmCount: "1" is not accepted; allowed is 2 to 64/);
    expect(result.output).toMatch(/domU\.memoryMiB: "lots"/);
    expect(result.output).toMatch(/evaluation\.profile: "huge"/);
    expect(testbed.runFolder).toBeUndefined();
  });

  it("names a misspelt setting and what was probably meant", async () => {
    succeeded(await testbed.pulumi(["config", "set", "vmcount", "3", "--stack", testbed.stack]));
    const result = await testbed.pulumi(["preview", "--stack", testbed.stack]);
    expect(result.code).not.toBe(0);
    expect(result.output).toContain("vmcount: there is no such setting; did you mean vmCount?");
    succeeded(await testbed.pulumi(["config", "rm", "vmcount", "--stack", testbed.stack]));
  });

  it("refuses more domUs than memory allows, with the number that would fit", async () => {
    const result = await testbed.up(["--vms", "60"]);
    expect(result.code).not.toBe(0);
    expect(result.output).toMatch(/vmCount: 60 domUs of 192 MiB need .* allowed are up to \d+/);
  });

  it("refuses a port that is in use", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        resolve((server.address() as { port: number }).port);
      });
    });
    const result = await testbed.up(["--machine-ssh-port", String(port), "--profile", "none"]);
    server.close();
    expect(result.code).not.toBe(0);
    expect(result.output).toContain(`port ${port} of loopback is in use`);
    expect(testbed.machines()).toEqual([]);
    succeeded(await testbed.destroy());
    succeeded(
      await testbed.pulumi(["config", "rm", "--path", "machine.sshPort", "--stack", testbed.stack]),
    );
  });

  it("previews without touching anything", async () => {
    const result = succeeded(await testbed.pulumi(["preview", "--stack", testbed.stack]));
    seconds("preview", result);
    expect(counted(result.output, "to create")).toBeGreaterThan(20);
    expect(testbed.runFolder).toBeUndefined();
    expect(testbed.machines()).toEqual([]);
  });
});

describe("a machine that never answers", () => {
  it("ends up with a sentence, the console's end and a next step; up goes on once it answers", async () => {
    const running = testbed.start(
      "scripts/up",
      [
        ...["--stack", testbed.stack, "--profile", "none"],
        ...["--machine-boot-timeout", "30", "--machine-freeze", "false"],
      ],
      1800,
    );
    // Stopped as soon as its firmware has said something: QEMU is fine, the machine in it is silent from then on.
    await printed(running, /BdsDxe|GRUB|Linux/, 1500, () => testbed.consoleEnd());
    const [pid] = testbed.machines();
    expect(pid).toBeDefined();
    process.kill(pid ?? 0, "SIGSTOP");
    const failed = await running.finished;
    expect(failed.code).not.toBe(0);
    expect(failed.output).toContain("the machine does not answer");
    expect(failed.output).toContain("its console ends with");
    expect(failed.output).toContain("not finished after 30 s");
    process.kill(pid ?? 0, "SIGCONT");
    expect(testbed.machines()).toEqual([pid]);
  });
});

describe("up", () => {
  it("builds the testbed, measures, and ends with a table and a report", async () => {
    const result = succeeded(
      await testbed.up(["--profile", "smoke", "--machine-boot-timeout", "600"], 2400),
    );
    seconds("up", result);
    expect(result.output).toMatch(/1 MiB +[\d.]+ +[\d.]+ +[\d.]+x/);
    const report = /^Report: (.*)$/m.exec(result.output)?.[1] ?? "";
    expect(existsSync(report)).toBe(true);
  });

  it("leaves the artifacts that its users rely on", () => {
    const latest = join(testbed.project, "artifacts", "latest");
    const names = readdirSync(latest);
    for (const name of [
      "manifest.json",
      "samples.jsonl",
      "results.csv",
      "summary.json",
      "report.html",
      "sbom.cdx.json",
      "figures",
      "logs",
    ]) {
      expect(names).toContain(name);
    }
    const csv = readFileSync(join(latest, "results.csv"), "utf8").trim().split("\n");
    expect(csv[0]).toBe(
      "experiment,transport,metric,size_bytes,pairs,repetition,value,unit,computed_by,low,high",
    );
    const rows = csv.slice(1).map((line) => line.split(","));
    for (const transport of ["tcp", "v4v"]) {
      for (const [experiment, size] of [
        ["latency", "1"],
        ["bandwidth", "1048576"],
        ["latency", "4194304"],
        ["stream", "65536"],
      ]) {
        expect(
          rows.filter((row) => row[0] === experiment && row[1] === transport && row[3] === size)
            .length,
        ).toBeGreaterThan(1);
      }
    }
    const samples = readFileSync(join(latest, "samples.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string; ok?: boolean; error?: string });
    expect(samples.filter((sample) => sample.type === "sample" && sample.ok !== true)).toEqual([]);
    const manifest = JSON.parse(readFileSync(join(latest, "manifest.json"), "utf8")) as {
      accelerator: { kind: string };
      complete: boolean;
    };
    expect(["tcg", "kvm"]).toContain(manifest.accelerator.kind);
    expect(manifest.complete).toBe(true);
  });

  it("runs the hypervisor that was built, with V4V, and domUs with CID = domid + 2", async () => {
    const resources = await testbed.resources();
    const hypervisor = resources.find(({ type }) => type === "v4v:index:Hypervisor");
    const running = await testbed.on("host", "xl info | sed -n 's/^build_id *: //p'");
    expect(running).toBe(hypervisor?.inputs?.buildId);
    const domid = await testbed.domidOf("domu1");
    expect(await testbed.on("domu1", "dmesg | grep -o 'v4v: domain.*'")).toBe(
      `v4v: domain ${domid}, CID ${domid + 2}`,
    );
    expect(await testbed.on("host", "dmesg | grep -o 'v4v: domain.*'")).toBe(
      "v4v: domain 0, CID 2",
    );
  });

  it("changes nothing when run again", async () => {
    const before = await testbed.bootId("domu1");
    const result = succeeded(await testbed.up([]));
    seconds("unchanged up", result);
    for (const word of ["created", "updated", "deleted", "replaced"])
      expect(counted(result.output, word)).toBe(0);
    expect(await testbed.bootId("domu1")).toBe(before);
  });

  it("serves from dom0 with little exposure, by systemd's own judgement", async () => {
    const judged = await testbed.on(
      "host",
      "SYSTEMD_EMOJI=0 systemd-analyze security --no-pager --threshold=30 v4vd.service | tail -n 1; systemctl show -p CapabilityBoundingSet --value v4vd.service; systemctl is-active v4vd.service",
    );
    console.log(judged);
    const [overall = "", ...rest] = judged.split("\n");
    const exposure = Number(/exposure level for v4vd\.service: ([\d.]+)/.exec(overall)?.[1] ?? NaN);
    expect(exposure).toBeLessThanOrEqual(3);
    expect(rest).toEqual(["", "active"]);
  });

  it("listens on loopback alone, sandboxed, and as root without what makes it root", () => {
    const [pid = 0] = testbed.machines();
    const sockets = listening(pid, linksOf);
    expect(sockets.length).toBeGreaterThan(0);
    expect(sockets.filter((address) => !/^(tcp|udp) 0100007F:/.test(address))).toEqual([]);
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const of = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1];
    expect([of("Seccomp"), of("NoNewPrivs")]).toEqual(["2", "1"]);
    expect(of("CapEff")).toBe("0".repeat(16));
  });

  it("lets neither dom0 nor a domU reach the controller", async () => {
    let reached = 0;
    const server = createServer((socket) => {
      reached += 1;
      socket.destroy();
    });
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        resolve((server.address() as { port: number }).port);
      });
    });
    try {
      // Where QEMU's user network would have the controller's loopback.
      const attempt = `timeout 10 bash -c 'exec 3<>/dev/tcp/10.0.2.2/${port}' 2>/dev/null && echo reached || echo kept out`;
      for (const name of ["host", "domu1"])
        expect(await testbed.on(name, attempt), name).toBe("kept out");
      expect(await testbed.on("host", "cat /proc/sys/net/ipv4/ip_forward")).toBe("0");
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    expect(reached).toBe(0);
  });

  it("keeps secrets to where they belong, on the controller", async () => {
    const secrets = await secretsOf(testbed);
    expect(secrets.length).toBeGreaterThanOrEqual(6);
    const { output: state } = await testbed.pulumi(["stack", "export", "--stack", testbed.stack]);
    expect(state).toContain("ciphertext");
    expect(given(secrets, Buffer.from(state))).toEqual([]);
    // Disks are the machine's own; all else that the project keeps: state, its history, plug-ins, run folder.
    const stateHome = testbed.clone.env.XDG_STATE_HOME ?? "";
    const kept = /\/(passphrase|ssh\/id_ed25519|disk\.qcow2)$/;
    expect(givenBelow(secrets, stateHome, kept)).toEqual([]);
    expect(givenBelow(secrets, join(cacheFolder(), "logs"))).toEqual([]);
    const runFolder = testbed.runFolder ?? "";
    for (const path of [dirname(dirname(runFolder)), runFolder, join(runFolder, "ssh")])
      expect(statSync(path).mode & 0o077, path).toBe(0);
    for (const path of [join(runFolder, "ssh/id_ed25519"), join(runFolder, "../../passphrase")])
      expect(statSync(path).mode & 0o777, path).toBe(0o600);

    const beside = dirname(testbed.project);
    const report = join(beside, "report.md");
    const bundle = join(beside, "bundle.tar.gz");
    const on = ["--stack", testbed.stack];
    succeeded(await testbed.script("scripts/run", ["doctor", ...on, "--report", report], 300));
    succeeded(await testbed.script("scripts/run", ["bundle", "--output", bundle], 60));
    for (const what of ["console", "qemu", "build", "xen", "journal", "domu1"])
      await testbed.script("scripts/run", ["logs", ...on, "-n", "2000", what], 120);
    expect(statSync(report).mode & 0o077).toBe(0);
    expect(given(secrets, readFileSync(report))).toEqual([]);
    expect(given(secrets, gunzipSync(readFileSync(bundle)))).toEqual([]);
    expect(givenBelow(secrets, join(testbed.project, "artifacts"))).toEqual([]);
    expect(given(secrets, Buffer.from(testbed.said.join("\n")))).toEqual([]);
    expect(givenBelow(secrets, testbed.project, /\/node_modules\//)).toEqual([]);
    for (const path of [report, bundle]) rmSync(path);

    // The user's own list of hosts has not grown.
    const own = join(homedir(), ".ssh", "known_hosts");
    const hostKey = readFileSync(join(runFolder, "ssh", "known_hosts"), "utf8");
    const [, , base64 = ""] = hostKey.trim().split(" ");
    expect(base64.length).toBeGreaterThan(60);
    if (existsSync(own)) expect(readFileSync(own, "utf8")).not.toContain(base64);
  });

  it("keeps secrets to where they belong, in dom0", async () => {
    const secrets = await secretsOf(testbed);
    const { files, inJournal } = await holdersOnHost(testbed, secrets);
    expect(inJournal).toBe("0");
    expect(files).toEqual(
      ["600 root /etc/ssh/ssh_host_ed25519_key", ...holdersWithDomUs(["domu1", "domu2"])].sort(),
    );
  });

  it("keeps domUs from each other's consoles, and all but root from what they said", async () => {
    const [own, other] = [await testbed.domidOf("domu1"), await testbed.domidOf("domu2")];
    const nodes = (domid: number) => `/local/domain/${domid}/console`;
    const [ring = "", ...refused] = await storeSays(testbed, "domu1", [
      `read ${nodes(own)}/ring-ref`,
      `read ${nodes(other)}/ring-ref`,
      `read ${nodes(other)}/tty`,
      `directory ${nodes(other)}`,
      `write ${nodes(other)}/limit 1`,
      `directory /local/domain/0/backend/console/${other}`,
    ]);
    expect(ring).toMatch(/^\d+$/);
    expect(refused).toEqual(refused.map(() => "refused: EACCES"));
    expect(refused).toHaveLength(5);
    // Debian's package gives its folder the set-group-ID bit, which chmod leaves where it is.
    expect(await testbed.on("host", "stat -c '%a %U' /var/log/xen/console")).toMatch(
      /^2?700 root$/,
    );
  });
});

describe("V4V sockets", () => {
  it("carry 64 MiB of an unmodified socat between two domUs, byte for byte", async () => {
    const cid = await testbed.cidOf("domu1");
    await testbed.on(
      "domu1",
      "rm -f /tmp/sum; nohup sh -c 'socat -u VSOCK-LISTEN:5000 STDOUT | sha256sum >/tmp/sum.new; mv /tmp/sum.new /tmp/sum' >/dev/null 2>&1 & sleep 1",
    );
    const sent = await testbed.on(
      "domu2",
      `mkfifo /tmp/pipe; sha256sum </tmp/pipe >/tmp/sent & head -c 67108864 /dev/urandom | tee /tmp/pipe | socat -u STDIN VSOCK-CONNECT:${cid}:5000; wait; cat /tmp/sent`,
      300,
    );
    const received = await testbed.on(
      "domu1",
      "for i in $(seq 100); do [ ! -e /tmp/sum ] || break; sleep 0.2; done; cat /tmp/sum",
    );
    expect(received).toBe(sent);
    expect(sent).toMatch(/^[0-9a-f]{64} /);
  });

  it("reset a connection that nobody listens for", async () => {
    const cid = await testbed.cidOf("domu1");
    expect(
      await testbed.on("domu2", `socat -u OPEN:/dev/null VSOCK-CONNECT:${cid}:5999 2>&1 || :`),
    ).toContain("Connection reset by peer");
  });

  it("work between dom0 and a domU in both directions, half-closed", async () => {
    const cid = await testbed.cidOf("domu1");
    await testbed.on(
      "domu1",
      "nohup socat VSOCK-LISTEN:5001 SYSTEM:'cat; echo from the domU' >/dev/null 2>&1 & sleep 1",
    );
    // The domU's answer comes after dom0 has shut down its side for writing.
    expect(await testbed.on("host", `echo hello | socat -t 20 - VSOCK-CONNECT:${cid}:5001`)).toBe(
      "hello\nfrom the domU",
    );
    await testbed.on(
      "host",
      "nohup socat VSOCK-LISTEN:5002 SYSTEM:'cat; echo from dom0' >/dev/null 2>&1 & sleep 1",
    );
    expect(await testbed.on("domu1", "echo hello | socat -t 20 - VSOCK-CONNECT:2:5002")).toBe(
      "hello\nfrom dom0",
    );
  });

  it("pass Linux's own test suite, between two domUs and with dom0", async () => {
    const suite = new VsockSuite(testbed);
    await suite.place(["host", "domu1", "domu2"]);
    const end = async (domain: string): Promise<End> => ({
      domain,
      cid: domain === "host" ? 2 : await testbed.cidOf(domain),
      address: domain === "host" ? bridge.gateway : guestAddress(Number(domain.slice(4))).address,
    });
    const [host, domu1, domu2] = [await end("host"), await end("domu1"), await end("domu2")];
    const pairs: [End, End][] = [
      [domu2, domu1],
      [host, domu1],
    ];
    if (FULL) pairs.push([domu1, domu2], [domu1, host]);
    const failures: string[] = [];
    for (const [server, client] of pairs) {
      const failed = await suite.run(server, client);
      failures.push(...failed.map((line) => `${server.domain} <- ${client.domain}: ${line}`));
    }
    console.log(`left out:\n${suite.skipped().join("\n")}`);
    expect(failures).toEqual([]);
  });

  it("come back after the module is reloaded, and hold it while they are open", async () => {
    const cid = await testbed.cidOf("domu2");
    await testbed.on(
      "domu1",
      `nohup sh -c 'sleep 100 | socat - VSOCK-CONNECT:${cid}:5003' >/dev/null 2>&1 & true`,
    );
    await testbed.on(
      "domu2",
      "nohup socat -u VSOCK-LISTEN:5004 OPEN:/dev/null >/dev/null 2>&1 & sleep 1",
    );
    await testbed.on(
      "domu1",
      `nohup sh -c 'sleep 100 | socat -u - VSOCK-CONNECT:${cid}:5004' >/dev/null 2>&1 & sleep 1`,
    );
    expect(await testbed.on("domu2", "rmmod v4v 2>&1 || :")).toMatch(/in use/);
    await testbed.on("domu1", "pkill socat; pkill sleep; true");
    await testbed.on(
      "domu2",
      'for i in $(seq 50); do [ "$(cat /sys/module/v4v/refcnt)" != 0 ] || break; sleep 0.2; done; rmmod v4v && /etc/v4v/boot.d/50-v4v',
    );
    await testbed.on(
      "domu2",
      "nohup socat -u VSOCK-LISTEN:5005 CREATE:/tmp/again >/dev/null 2>&1 & sleep 1",
    );
    await testbed.on("domu1", `echo again | socat -u - VSOCK-CONNECT:${cid}:5005`);
    expect(await testbed.on("domu2", "sleep 1; cat /tmp/again")).toBe("again");
  });

  it("tell a program that its partner's domain died", async () => {
    const cid = await testbed.cidOf("domu2");
    await testbed.on(
      "domu2",
      "nohup socat -u VSOCK-LISTEN:5006 OPEN:/dev/null >/dev/null 2>&1 & sleep 1",
    );
    await testbed.on(
      "domu1",
      `nohup sh -c 'socat - VSOCK-CONNECT:${cid}:5006 </dev/zero >/tmp/died 2>&1; echo ended >>/tmp/died' >/dev/null 2>&1 & sleep 1`,
    );
    await testbed.on("host", "xl destroy domu2");
    const said = await testbed.on(
      "domu1",
      "for i in $(seq 100); do ! grep -q ended /tmp/died || break; sleep 0.1; done; cat /tmp/died",
    );
    expect(said).toMatch(/reset by peer|Broken pipe/);
    expect(said).toContain("ended");
  });
});

describe("drift and change", () => {
  it("refresh notices the domU that was destroyed, and up makes it again", async () => {
    const kept = await testbed.bootId("domu1");
    const refreshed = succeeded(
      await testbed.pulumi(["refresh", "--yes", "--stack", testbed.stack]),
    );
    expect(refreshed.output).toMatch(/~ .*domu2 +updated/);
    // What handles keys is watched meanwhile, at both ends.
    const controller = new ProcessWatch();
    const dom0 = testbed.start(
      "scripts/run",
      ["ssh", "--stack", testbed.stack, "host", WATCH_COMMAND_LINES],
      1300,
    );
    const result = succeeded(await testbed.up(["--profile", "none"]));
    seconds("one domU made again", result);
    const lines = controller.stop();
    await testbed.on("host", "touch /run/seen-enough");
    const { output: there } = succeeded(await dom0.finished);
    const secrets = await secretsOf(testbed);
    expect(lines.toString("latin1")).toContain("scripts/main.ts");
    expect(there).toContain("xl create");
    expect(given(secrets, lines)).toEqual([]);
    expect(given(secrets, Buffer.from(there))).toEqual([]);
    expect(await testbed.bootId("domu1")).toBe(kept);
    expect(await testbed.on("domu2", "hostname")).toBe("domu2");
  });

  it("grows from 2 to 3 domUs and leaves the others alone", async () => {
    const before = [await testbed.bootId("domu1"), await testbed.bootId("domu2")];
    const result = succeeded(await testbed.up(["--vms", "3"]));
    seconds("one more domU", result);
    expect(await testbed.on("domu3", "hostname")).toBe("domu3");
    expect([await testbed.bootId("domu1"), await testbed.bootId("domu2")]).toEqual(before);
  });

  it("goes on after Ctrl-C", async () => {
    succeeded(await testbed.up(["--vms", "2"]));
    expect(
      (await testbed.script("scripts/run", ["ssh", "--stack", testbed.stack, "domu3", "true"], 60))
        .output,
    ).toContain('there is no "domu3"');
    const running = testbed.start("scripts/up", ["--stack", testbed.stack, "--vms", "4"], 600);
    await printed(running, /domu[34] creating .*creating it/, 300);
    process.kill(-running.pid, "SIGINT");
    const interrupted = await running.finished;
    expect(interrupted.code).not.toBe(0);
    expect(interrupted.output).toContain("Run it again to go on from there");
    succeeded(await testbed.up([]));
    expect(await testbed.on("domu4", "hostname")).toBe("domu4");
    const shrunk = succeeded(await testbed.up(["--vms", "2"]));
    seconds("two domUs fewer", shrunk);
    expect(
      (await testbed.on("host", "xl list | awk 'NR > 1 { print $1 }' | sort")).split("\n"),
    ).toEqual(["Domain-0", "domu1", "domu2"]);
  });

  it("shows logs", async () => {
    expect(
      succeeded(await testbed.script("scripts/run", ["logs", "--stack", testbed.stack], 60)).output,
    ).toContain("v4v-host login");
    expect(
      succeeded(
        await testbed.script("scripts/run", ["logs", "--stack", testbed.stack, "domu1"], 60),
      ).output,
    ).toContain("domu1 is up");
    expect(
      succeeded(await testbed.script("scripts/run", ["logs", "--stack", testbed.stack, "xen"], 60))
        .output,
    ).toMatch(/Xen|\(XEN\)/);
  });
});

describe("rules of V4V", () => {
  const rule = "-s domu1 -d domu2 -j DROP";
  /** What socat says in domu1 when it connects to a port of domu2 that nobody listens on. */
  const connect = async (): Promise<string> => {
    const cid = await testbed.cidOf("domu2");
    return testbed.on("domu1", `socat -u OPEN:/dev/null VSOCK-CONNECT:${cid}:5999 2>&1 || :`);
  };
  const dropped = async (): Promise<number> =>
    Number(
      await testbed.on(
        "host",
        "viptables -L | awk '/DROP/ && /domu1/ { n += $2 } END { print n }'",
      ),
    );

  it("from the configuration deny at once, and are counted", async () => {
    expect(await connect()).toContain("Connection reset by peer");
    const rules = JSON.stringify(["domu1 -> domu2 drop"]);
    succeeded(await testbed.up(["--profile", "none", "--v4v-rules", rules]));
    const before = await dropped();
    expect(await connect()).toContain("Permission denied");
    expect(await dropped()).toBeGreaterThan(before);
    // It is about these two and no others.
    const hello = "nohup socat -u VSOCK-LISTEN:5010 CREATE:/tmp/hello >/dev/null 2>&1 & sleep 1";
    await testbed.on("host", hello);
    await testbed.on("domu1", "echo hello | socat -u - VSOCK-CONNECT:2:5010");
    expect(await testbed.on("host", "sleep 1; cat /tmp/hello; rm /tmp/hello")).toBe("hello");
  });

  it("changed by hand, and lost with a domU, are mended by up", async () => {
    await testbed.on("host", "viptables -P drop; xl destroy domu1");
    expect(await tableOf(testbed)).not.toContain(rule);
    const refreshed = succeeded(
      await testbed.pulumi(["refresh", "--yes", "--stack", testbed.stack]),
    );
    // The domU's folder and unit are still there.
    expect(counted(refreshed.output, "deleted")).toBe(0);
    expect(counted(refreshed.output, "updated")).toBe(2);
    succeeded(await testbed.up([]));
    expect(await tableOf(testbed)).toBe(`-P ACCEPT\n-A ${rule}`);
    expect(await connect()).toContain("Permission denied");
    expect(counted(succeeded(await testbed.up([])).output, "updated")).toBe(0);
  });

  it("are gone when the configuration has none", async () => {
    succeeded(await testbed.up(["--v4v-rules", "[]"]));
    expect(await tableOf(testbed)).not.toContain(rule);
    expect(await connect()).toContain("Connection reset by peer");
  });
});

describe("the command plugin, official or drop-in", () => {
  it("does what the project needs of it", async () => {
    const cwd = join(testbed.project, "tests/e2e/conformance");
    const machine = (await testbed.resources()).find(({ type }) => type === "v4v:index:RunFolder");
    const key = readFileSync(join(testbed.runFolder ?? "", "ssh", "id_ed25519"), "utf8");
    const at = ["--stack", "conformance"];
    succeeded(await testbed.pulumi(["stack", "init", "conformance"], 60, cwd));
    const set = async (...args: string[]) =>
      succeeded(await testbed.pulumi(["config", "set", ...at, ...args], 60, cwd));
    await set("port", String(machine?.outputs?.port));
    await set("hostKey", String(machine?.outputs?.hostPublicKey));
    await testbed.setSecret("privateKey", key, "conformance", cwd);
    await set("word", "first");
    const outputs = async () =>
      JSON.parse(
        (await testbed.pulumi(["stack", "output", "--json", ...at], 60, cwd)).output,
      ) as Record<string, unknown>;
    try {
      succeeded(await testbed.pulumi(["up", "--yes", "--skip-preview", ...at], 120, cwd));
      expect(await outputs()).toEqual({
        plain: "created first",
        input: "from stdin",
        variable: "it's $HOME",
        copied: "an asset",
      });
      await set("word", "second");
      const updated = succeeded(
        await testbed.pulumi(["up", "--yes", "--skip-preview", ...at], 120, cwd),
      );
      expect(await outputs()).toMatchObject({ plain: "updated second after created first" });
      expect(counted(updated.output, "updated")).toBe(1);
      const again = succeeded(
        await testbed.pulumi(["up", "--yes", "--skip-preview", ...at], 120, cwd),
      );
      expect(counted(again.output, "updated")).toBe(0);
    } finally {
      succeeded(await testbed.pulumi(["destroy", "--yes", "--skip-preview", ...at], 120, cwd));
      succeeded(await testbed.pulumi(["stack", "rm", "--yes", ...at], 60, cwd));
    }
    expect(await testbed.on("host", "cat /run/conformance")).toBe("deleted");
  });
});

describe("destroy", () => {
  it("takes everything down, finds nothing left, and keeps the results", async () => {
    const folder = testbed.runFolder ?? "";
    const result = succeeded(await testbed.destroy());
    seconds("destroy", result);
    expect(result.output).toContain("Nothing of stack e2e is left");
    expect(existsSync(folder)).toBe(false);
    expect(testbed.machines()).toEqual([]);
    expect(existsSync(join(testbed.project, "artifacts", "latest", "report.html"))).toBe(true);
    expect((await testbed.resources()).length).toBeLessThanOrEqual(1);
  });

  it("is content with a stack that is down already", async () => {
    succeeded(await testbed.destroy());
    rmSync(join(testbed.project, "Pulumi.e2e.yaml"), { force: true });
  });
});
