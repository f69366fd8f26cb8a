import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { chooseFreePort } from "../../../provider/host/ports.ts";
import { succeeded } from "../lifecycle.ts";
import { packageLists, PlainHost, tellsOnFailure, type PlainLink } from "../plainHost.ts";
import { Testbed } from "../testbed.ts";

/** Two Debian hosts of somebody else's, on one network, with four domUs of the testbed's. */
const testbed = new Testbed("hosts");
const hosts: PlainHost[] = [];

const host = (number: 1 | 2): PlainHost => {
  const found = hosts[number - 1];
  if (found === undefined) throw new Error(`there is no host ${number}`);
  return found;
};

const address = (number: number) => `10.84.0.${number}`;

const settings = (more: string[] = []): string[] => [
  ...["--target", "existing", "--profile", "none"],
  "--hosts",
  JSON.stringify(
    hosts.map(({ handedOver: { address: at, port, keyFile, hostKey } }, i) => ({
      address: at,
      port,
      keyFile,
      hostKey,
      link: address(i + 1),
    })),
  ),
  ...more,
];

/** Both boot the hypervisor at the same time, on CPUs that they share. */
const UP_S = 2400;
const SECONDS = 1000;

/** What listens for whom, other than on loopback. */
const LISTENING =
  "ss -Hlntu | awk '{ print $1, $5 }' | grep -v -e ' 127[.]' -e ' \\[::1\\]' | sort -u";
const listened: string[] = [];

/** How often somebody has logged in to each host: what docs/scale.md goes by. */
const logins = (): Promise<number[]> =>
  Promise.all(
    hosts.map(async (one) =>
      Number(
        await one.on("journalctl -q -u ssh.service -o cat | grep -c '^Accepted publickey' || :"),
      ),
    ),
  );

const domUsOn = (name: string) =>
  testbed.on(name, "xl list | awk 'NR > 2 { print $1 }' | sort | tr '\\n' ' '");

/** Sends words through an unmodified program under v4vrun, which says which way they went; time enough to move between them. */
const ask = (from: string, to: string) =>
  testbed.on(
    from,
    `(echo word; sleep 5; echo end) | v4vrun --explain socat -t 20 - TCP:${to}:9003 2>&1`,
  );

const serve = (domU: string, at: string) =>
  testbed.on(
    domU,
    `nohup setsid v4vrun socat TCP-LISTEN:9003,bind=${at},reuseaddr,fork PIPE >/dev/null 2>&1 </dev/null & sleep 2`,
  );

tellsOnFailure(() => hosts);

afterAll(async () => {
  for (const one of hosts) await one.remove();
  testbed.clone.remove();
});

describe("two hosts", () => {
  it("hear each other on the network between them", { timeout: 2000 * SECONDS }, async () => {
    const index = await packageLists(testbed.project);
    const [one, other] = [await chooseFreePort(), await chooseFreePort()];
    const links: PlainLink[] = [
      { port: one, peer: other, mac: "52:54:00:84:00:01", address: `${address(1)}/24` },
      { port: other, peer: one, mac: "52:54:00:84:00:02", address: `${address(2)}/24` },
    ];
    for (const link of links) hosts.push(await PlainHost.boot(testbed.project, index, { link }));
    // The link's address comes a moment after its configuration.
    const greeting = `for i in $(seq 15); do
      timeout 30 bash -c 'exec 3<>/dev/tcp/${address(2)}/22; read -r line <&3; echo "$line"' && exit 0
      sleep 2
    done; exit 1`;
    expect(await host(1).on(greeting)).toContain("SSH-2.0");
    for (const one of hosts) listened.push(await one.on(LISTENING));
  });

  it("get two domUs each", { timeout: 2500 * SECONDS }, async () => {
    const before = await logins();
    const result = succeeded(await testbed.up(settings(["--vms", "4"]), UP_S));
    const after = await logins();
    console.log(`up on two existing hosts: ${result.seconds.toFixed(0)} s`);
    console.log(`logins meanwhile: ${after.map((n, i) => n - (before[i] ?? 0)).join(" and ")}`);
    const resources = await testbed.resources();
    const bytes = Buffer.byteLength(JSON.stringify({ resources }));
    console.log(`state: ${resources.length} resources, about ${bytes} bytes`);
    expect(await domUsOn("host")).toBe("domu1 domu2");
    expect(await domUsOn("host2")).toBe("domu3 domu4");
    for (const name of ["domu1", "domu2", "domu3", "domu4"])
      expect(await testbed.on(name, "hostname")).toBe(name);
    succeeded(await testbed.script("scripts/run", ["status", "--stack", "hosts"], 240));
  });

  it("open no port for it", async () => {
    for (const [i, one] of hosts.entries()) expect(await one.on(LISTENING)).toBe(listened[i]);
  });

  it("send what local domUs say by V4V, and what those of two hosts say by TCP", async () => {
    await serve("domu2", "10.83.0.12");
    await serve("domu3", "10.83.0.13");
    const local = await ask("domu1", "10.83.0.12");
    expect(local).toContain("word");
    expect(local).toMatch(/connected to 10\.83\.0\.12:9003: V4V/);
    const remote = await ask("domu1", "10.83.0.13");
    expect(remote).toContain("word");
    expect(remote).toContain("TCP, as the address is not that of another domain on this host");
    const peers = await testbed.on("domu1", "v4vctl peers");
    expect(peers).toContain("10.83.0.12");
    expect(peers).not.toContain("10.83.0.13");
  });

  it("carry megabytes between domUs, whatever the packets' size", async () => {
    await testbed.on(
      "domu4",
      "nohup sh -c 'socat -u TCP-LISTEN:9004,bind=10.83.0.14 - | sha256sum >/tmp/sum' >/dev/null 2>&1 </dev/null & sleep 2",
    );
    const sent = await testbed.on(
      "domu1",
      "head -c 16777216 /dev/urandom >/run/sent; socat -u OPEN:/run/sent TCP:10.83.0.14:9004; sha256sum </run/sent; rm /run/sent",
      300,
    );
    expect(await testbed.on("domu4", "sleep 3; cat /tmp/sum")).toBe(sent);
  });

  it("keep domUs of the other host from their sshd", async () => {
    for (const dom0 of ["10.83.0.1", "10.83.0.2"]) {
      // It is there all the same: what is closed is not unreachable.
      await testbed.on("domu3", `busybox ping -c 1 -W 10 ${dom0}`);
      expect(
        await testbed.on(
          "domu3",
          `timeout 20 socat -u OPEN:/dev/null TCP:${dom0}:22,connect-timeout=8 2>&1 && echo reached || echo closed`,
        ),
      ).toContain("closed");
    }
  });

  it(
    "are in one report: V4V within a host, TCP between two",
    { timeout: 2500 * SECONDS },
    async () => {
      succeeded(await testbed.up(settings(["--vms", "4", "--profile", "smoke"]), UP_S));
      const folder = join(testbed.project, "artifacts", "latest");
      const rows = readFileSync(join(folder, "results.csv"), "utf8");
      for (const start of [
        "latency,v4v,half_rtt,1,",
        "hosts,tcp,half_rtt,1,",
        "hosts,v4v,half_rtt,1,",
      ])
        expect(rows).toContain(`\n${start}`);
      expect(readFileSync(join(folder, "report.html"), "utf8")).toContain("TCP between two hosts");
    },
  );

  it("go on one without the other", { timeout: 2500 * SECONDS }, async () => {
    await host(2).switchOff();
    const result = succeeded(await testbed.up(settings(["--vms", "6"]), UP_S));
    expect(result.output).toContain("its recorded state is kept");
    expect(await domUsOn("host")).toBe("domu1 domu2 domu5 domu6");
    const status = await testbed.script("scripts/run", ["status", "--stack", "hosts"], 240);
    expect(status.code).not.toBe(0);
    expect(status.output).toContain("host2 does not answer");
    await host(2).switchOn();
    await host(2).rebooted("", 900);
    await host(2).started();
    succeeded(await testbed.up(settings(["--vms", "6"]), UP_S));
    expect(await domUsOn("host2")).toBe("domu3 domu4");
    expect(await testbed.on("domu4", "hostname")).toBe("domu4");
  });

  it("are as they were when the testbed is gone", { timeout: 2000 * SECONDS }, async () => {
    const result = succeeded(await testbed.destroy(1800));
    // A message is printed with each row of its resource, and once more in the end.
    const whole = result.output.match(/\S+:\d+ is as it was before the testbed came/g);
    expect(new Set(whole).size, result.output.slice(-6000)).toBe(2);
    for (const one of hosts)
      expect(await one.on("ip -o link | grep -c -e v4v -e gre || :")).toBe("0");
  });
});
