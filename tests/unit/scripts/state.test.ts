import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { parseState, readState, workerOf } from "../../../scripts/lib/state.ts";
import { expectedOf } from "../../../scripts/lib/status.ts";
import { useFolder } from "../helpers/folder.ts";

const folder = useFolder();
beforeEach(() => {
  vi.stubEnv("PULUMI_BACKEND_URL", `file://${folder()}`);
});

const urn = (type: string, name: string) =>
  `urn:pulumi:dev::p::v4v:testbed:Testbed$${type}::${name}`;
const resource = (type: string, name: string, inputs = {}, more = {}) => ({
  type,
  urn: urn(type, name),
  inputs,
  ...more,
});
const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };
const CHECKPOINT = JSON.stringify({
  version: 3,
  checkpoint: {
    latest: {
      resources: [
        resource("pulumi:pulumi:Stack", "p-dev"),
        resource("v4v:index:Hypervisor", "host-xen", { buildId: "b001d", connection: SECRET }),
        resource("v4v:index:Module", "module-dom0", { srcversion: "5EC" }),
        resource("v4v:index:Domain", "domu10", { name: "domu10", address: "10.83.0.20" }),
        resource(
          "v4v:index:Domain",
          "domu2",
          { name: "domu2", address: "10.83.0.12" },
          {
            initErrors: ["no SSH"],
          },
        ),
      ],
      pending_operations: [
        {
          type: "creating",
          resource: { type: "v4v:index:Domain", urn: urn("v4v:index:Domain", "domu3") },
        },
      ],
    },
  },
});

function put(path: string, text: string) {
  mkdirSync(join(folder(path), ".."), { recursive: true });
  writeFileSync(folder(path), text);
}

test("a checkpoint says what the stack ought to be and what is unfinished", () => {
  put(".pulumi/stacks/v4vsockets-testbed/dev.json", CHECKPOINT);
  expect(expectedOf(readState("dev"), folder("none"))).toEqual({
    buildId: "b001d",
    module: "5EC",
    domains: [
      { name: "domu2", address: "10.83.0.12" },
      { name: "domu10", address: "10.83.0.20" },
    ],
    unfinished: ["creating v4v:index:Domain domu3", "Domain domu2"],
  });
});

test("an encrypted property is not shown as if it were the value", () => {
  const state = parseState(CHECKPOINT.replace('"b001d"', JSON.stringify(SECRET)));
  expect(expectedOf(state, folder("none")).buildId).toBeUndefined();
});

test("without a state the ssh configuration names the domUs", () => {
  put("run/ssh/domains/domu1.conf", "Host domu1\n  HostName 10.83.0.11\n  ProxyJump host\n");
  expect(expectedOf(undefined, folder("run"))).toEqual({
    buildId: undefined,
    module: undefined,
    domains: [{ name: "domu1", address: "10.83.0.11" }],
    unfinished: [],
  });
});

test("no state, a damaged one and one elsewhere are not there", () => {
  expect(readState("dev")).toBeUndefined();
  put(".pulumi/stacks/v4vsockets-testbed/dev.json", CHECKPOINT.slice(0, 100));
  expect(readState("dev")).toBeUndefined();
  put(".pulumi/stacks/v4vsockets-testbed/dev.json", CHECKPOINT);
  vi.stubEnv("PULUMI_BACKEND_URL", "s3://bucket");
  expect(readState("dev")).toBeUndefined();
});

test("a stack that was destroyed has a state without resources", () => {
  expect(parseState('{"version":3,"checkpoint":{"latest":{"manifest":{}}}}')).toEqual({
    resources: [],
    pending: [],
  });
});

test("whoever holds the lock is at work, unless it is dead", () => {
  const lock = (host: string) =>
    JSON.stringify({ pid: 4194305, username: "ann", hostname: host, timestamp: "t" });
  const path = ".pulumi/locks/organization/v4vsockets-testbed/dev/x.json";
  expect(workerOf("dev")).toBeUndefined();
  put(path, lock(hostname()));
  expect(workerOf("dev")).toBeUndefined();
  put(path, lock("elsewhere"));
  expect(workerOf("dev")).toBe("process 4194305 of ann on elsewhere");
});
