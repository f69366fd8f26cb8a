import { mkdirSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { delimiter } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { parseProbe, probeCommand } from "../../../scripts/lib/probe.ts";
import { useFolder } from "../helpers/folder.ts";
import { standIns } from "../helpers/programs.ts";

const folder = useFolder();

const ANSWER = `guest domu2 greets
uptime 4210.55
memory MemTotal 990000
memory MemAvailable 700000
module 408F954A8BF9B231371EC08
xen 4.20.4-pre 0f8093a9
domain Name                                        ID   Mem VCPUs State   Time(s)
domain Domain-0                                     0  1024     1     r-----      21.6
domain domu1                                        4   192     1     -b----       3.1
guest domu1 408F954A8BF9B231371EC08
domain domu2                                        5   192     1     --p---       0.4
end
`;

describe("what dom0 said", () => {
  test("is read, whatever the order of its lines", () => {
    const lines = ANSWER.trimEnd().split("\n");
    const shuffled = [...lines.slice(5, -1), ...lines.slice(0, 5), "end"].join("\n") + "\n";
    for (const answer of [ANSWER, shuffled]) {
      expect(parseProbe(answer)).toEqual({
        uptimeSeconds: 4210.55,
        memoryMiB: 967,
        availableMiB: 684,
        module: "408F954A8BF9B231371EC08",
        xen: { version: "4.20.4-pre", buildId: "0f8093a9" },
        domains: [
          { name: "domu1", domid: 4, memoryMiB: 192, state: "running" },
          { name: "domu2", domid: 5, memoryMiB: 192, state: "paused" },
        ],
        guests: new Map([
          ["domu2", "greets"],
          ["domu1", "408F954A8BF9B231371EC08"],
        ]),
        complete: true,
      });
    }
  });

  test("cut short anywhere is not taken for the whole, and no half line counts", () => {
    for (let end = 0; end < ANSWER.length; end++) {
      const probe = parseProbe(ANSWER.slice(0, end));
      expect(probe.complete).toBe(false);
      expect([undefined, "408F954A8BF9B231371EC08"]).toContain(probe.module);
      expect(["", "0f8093a9", undefined]).toContain(probe.xen?.buildId);
    }
  });

  test("without Xen, without a module, says so", () => {
    const probe = parseProbe("uptime 1.0\nmodule none\nend\n");
    expect([probe.xen, probe.module, probe.complete]).toEqual([undefined, undefined, true]);
  });

  test.each([
    ["r-----", "running"],
    ["------", "running"],
    ["--p---", "paused"],
    ["---s--", "shutdown"],
    ["---sc-", "crashed"],
    ["--ps-d", "dying"],
  ])("xl's letters %s mean %s", (letters, state) => {
    expect(parseProbe(`domain d 1 64 1 ${letters} 0.1\nend\n`).domains[0]?.state).toBe(state);
  });
});

describe("the question", () => {
  const greeters: Server[] = [];
  afterEach(() => {
    for (const server of greeters.splice(0)) server.close();
  });

  /** Something at a port of loopback that greets, or says nothing. */
  async function listen(greeting: string | undefined): Promise<number> {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      if (greeting !== undefined) socket.end(greeting);
    });
    greeters.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }

  function domain(name: string, address = "127.0.0.1") {
    mkdirSync(folder("domains", name), { recursive: true });
    const config = `Host ${name}\n\tHostName ${address}\n\tHostKeyAlias ${name}\n`;
    writeFileSync(folder("domains", name, "ssh_config"), config);
  }

  /** Run by this computer's shell, with stand-ins for what only a Xen host has; `port` takes the place of 22. */
  async function ask(deep: boolean, programs: Record<string, string>, port = 9) {
    mkdirSync(folder("domains"), { recursive: true });
    const script = probeCommand(deep)
      .replaceAll("/var/lib/v4v-testbed/domains", folder("domains"))
      .replace("$address/22", `$address/${port}`);
    const PATH = [standIns(folder("bin"), programs), process.env.PATH ?? ""].join(delimiter);
    const child = spawn("/bin/sh", ["-c", script], {
      env: { ...process.env, PATH },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 30_000,
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    expect([code, err]).toEqual([0, ""]);
    return parseProbe(out);
  }

  const XL = `case $1 in
info) printf 'host : x\\nxen_version            : 4.20.4\\nbuild_id               : beef\\n' ;;
list) printf 'Name ID Mem VCPUs State Time(s)\\nDomain-0 0 1024 1 r----- 1.0\\ndomu1 3 192 1 -b---- 1.0\\n' ;;
esac`;

  test("asks the host, and whether a domU's SSH greets", async () => {
    domain("domu1");
    const probe = await ask(false, { xl: XL, ssh: "exit 1" }, await listen("SSH-2.0-x\r\n"));
    expect(probe.complete).toBe(true);
    expect(probe.xen).toEqual({ version: "4.20.4", buildId: "beef" });
    expect(probe.domains).toEqual([{ name: "domu1", domid: 3, memoryMiB: 192, state: "running" }]);
    expect(Object.fromEntries(probe.guests)).toEqual({ domu1: "greets" });
    expect(probe.uptimeSeconds).toBeGreaterThan(0);
    expect(probe.memoryMiB).toBeGreaterThan(probe.availableMiB);
  });

  test.each([
    ["says nothing", undefined],
    ["is no SSH", "220 mail\r\n"],
  ])(
    "is not content with what %s, and waits for it no longer than seconds",
    async (_what, said) => {
      domain("domu1");
      const started = Date.now();
      const probe = await ask(false, { xl: XL }, await listen(said));
      expect([probe.complete, probe.guests.size]).toEqual([true, 0]);
      expect(Date.now() - started).toBeLessThan(15_000);
    },
  );

  test("logs in to every domU where it is to go deep", async () => {
    for (const i of [1, 2, 3, 4, 5]) domain(`domu${i}`);
    const ssh =
      'for last; do before=$word word=$last; done\n[ "$before" != domu5 ] && echo "5EC-$before"';
    const probe = await ask(true, { xl: XL, ssh });
    expect(probe.complete).toBe(true);
    expect(Object.fromEntries(probe.guests)).toEqual({
      domu1: "5EC-domu1",
      domu2: "5EC-domu2",
      domu3: "5EC-domu3",
      domu4: "5EC-domu4",
    });
  });

  test("comes to its end with a toolstack that fails and without a domU", async () => {
    const probe = await ask(false, { xl: "exit 1" });
    expect([probe.complete, probe.xen, probe.domains]).toEqual([true, undefined, []]);
  });
});
