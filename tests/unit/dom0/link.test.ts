import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { useFolder } from "../helpers/folder.ts";
import { standIns } from "../helpers/programs.ts";

const folder = useFolder();

/** Runs dom0/link among stand-ins, on a host without tunnels: what it asked ip for, or what it said. */
function link(...args: string[]): string[] {
  const log = folder("log");
  const programs = standIns(folder("bin"), { ip: `echo "$*" >>'${log}'` });
  const { status, stderr } = spawnSync(
    "/bin/sh",
    [join(import.meta.dirname, "../../../dom0/link"), ...args],
    {
      encoding: "utf8",
      env: { ...process.env, PATH: [programs, process.env.PATH ?? ""].join(delimiter) },
    },
  );
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
}

test("each other host gets a tunnel, an isolated port of the bridge, that takes packets from there alone", () => {
  const asked = link("up", "v4vbr0", "1458", "192.0.2.1", "2:192.0.2.2", "3:192.0.2.3");
  for (const [name, address] of [
    ["v4vgre2", "192.0.2.2"],
    ["v4vgre3", "192.0.2.3"],
  ])
    expect(asked).toEqual(
      expect.arrayContaining([
        `link add name ${name} type gretap local 192.0.2.1 remote ${address} key 83 nopmtudisc ignore-df`,
        `link set dev ${name} mtu 1458 master v4vbr0`,
        `link set dev ${name} type bridge_slave isolated on`,
        `link set dev ${name} up`,
      ]),
    );
  // Before it is up, so that no frame goes round.
  const at = (text: string) => asked.findIndex((line) => line.includes(text));
  expect(at("isolated on")).toBeLessThan(at("v4vgre2 up"));
});

test("without others there is nothing to make", () => {
  expect(link("up", "v4vbr0", "1458", "192.0.2.1")).toEqual([]);
  expect(link("down", "v4vbr0", "1458", "192.0.2.1", "2:192.0.2.2")).toEqual([]);
});
