import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { useFolder } from "../helpers/folder.ts";
import { standIns } from "../helpers/programs.ts";

const folder = useFolder();
const FORWARDING = () => folder("proc/sys/net/ipv4/conf/v4vbr0/forwarding");

beforeEach(() => {
  mkdirSync(folder("run"), { recursive: true });
  mkdirSync(folder("proc/sys/net/ipv4/conf/v4vbr0"), { recursive: true });
  writeFileSync(FORWARDING(), "1\n");
});

/** Brings the bridge up among stand-ins: what ip and tc were asked for. sshd tells `ports` if it has its folder. */
function up(ports: string): string[] {
  const log = folder("log");
  const programs = standIns(folder("bin"), {
    ip: `echo "ip $*" >>'${log}'`,
    tc: `echo "tc $*" >>'${log}'`,
    sshd: `[ -d '${folder("run/sshd")}' ] || exit 255\nprintf '${ports}'`,
  });
  const script = readFileSync(join(import.meta.dirname, "../../../dom0/bridge"), "utf8");
  const there = script.replaceAll(/(?<=["\s])\/(?=(?:run|proc|sys)\/)/g, `${folder()}/`);
  const { status, stderr } = spawnSync(
    "/bin/sh",
    ["-c", there, "bridge", "up", "v4vbr0", "10.83.0.1/24", "02:16:3e:53:00:00"],
    {
      encoding: "utf8",
      env: { ...process.env, PATH: [programs, process.env.PATH ?? ""].join(delimiter) },
    },
  );
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return readFileSync(log, "utf8").trim().split("\n");
}

/** Preference, protocol, match and action of each rule, in the order that the kernel takes them. */
const rulesOf = (asked: string[]) =>
  asked
    .flatMap((line) => {
      const rule =
        /^tc filter replace dev v4vbr0 ingress pref (\d+) handle 1 protocol (\S+) (.*) action (\S+)$/;
      const [, preference, protocol = "", match = "", action = ""] = rule.exec(line) ?? [];
      return preference === undefined ? [] : [{ at: Number(preference), protocol, match, action }];
    })
    .sort((one, other) => one.at - other.at);

describe("the domUs' bridge on an existing host", () => {
  test("lets nothing out of the domUs' network, whatever the host forwards", () => {
    const asked = up("port 22\\n");
    expect(readFileSync(FORWARDING(), "utf8")).toBe("0\n");
    const rules = rulesOf(asked);
    expect(rules.at(-1)).toMatchObject({ protocol: "all", match: "flower", action: "drop" });
    // Before that one, all that may pass is ARP and what is for the network.
    expect(rules.filter(({ action }) => action === "pass")).toMatchObject([
      { protocol: "arp" },
      { protocol: "ip", match: "flower dst_ip 10.83.0.1/24" },
    ]);
    // No frame comes by before the rules are there.
    const at = (text: string) => asked.findIndex((line) => line.includes(text));
    expect(at("protocol all")).toBeLessThan(at("ip link set v4vbr0 up"));
  });

  test("hides each port of sshd, before anything passes, and one rule has one protocol for good", () => {
    const one = rulesOf(up("port 22\\n"));
    rmSync(folder("log"));
    const two = rulesOf(up("port 22\\nport 2222\\nlistenaddress 0.0.0.0:2022\\n"));
    const ports = two.filter(({ match }) => match.includes("dst_port"));
    expect(ports.map(({ match }) => /dst_port (\d+)/.exec(match)?.[1]).sort()).toEqual([
      "2022",
      "22",
      "2222",
    ]);
    const passes = two.find(({ action }) => action === "pass")?.at ?? 0;
    for (const { at, action } of ports) {
      expect(action).toBe("drop");
      expect(at).toBeLessThan(passes);
    }
    const protocols = new Map(two.map(({ at, protocol }) => [at, protocol]));
    expect(protocols.size).toBe(two.length);
    for (const { at, protocol } of one) expect(protocols.get(at) ?? protocol).toBe(protocol);
  });

  test("asks sshd for its ports before its unit has been started", () => {
    const ports = rulesOf(up("port 2222\\n")).filter(({ match }) => match.includes("dst_port"));
    expect(ports).toMatchObject([{ match: "flower ip_proto tcp dst_port 2222" }]);
    expect(statSync(folder("run/sshd")).mode & 0o777).toBe(0o755);
  });

  test("takes an sshd that does not tell to be at its usual port", () => {
    const ports = rulesOf(up("")).filter(({ match }) => match.includes("dst_port"));
    expect(ports).toMatchObject([{ match: "flower ip_proto tcp dst_port 22" }]);
    expect(existsSync(folder("run/sshd"))).toBe(true);
  });
});
