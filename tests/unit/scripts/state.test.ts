import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PROJECT } from "../../../scripts/lib/project.ts";
import { parseState, readState, StateOutOfReach, workerOf } from "../../../scripts/lib/state.ts";
import { expectedOf } from "../../../scripts/lib/status.ts";
import { useChildren } from "../helpers/child.ts";
import { useFolder } from "../helpers/folder.ts";
import { standIns } from "../helpers/programs.ts";

const folder = useFolder();
const start = useChildren();
afterEach(() => {
  vi.unstubAllEnvs();
});
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

function put(path: string, text: string | Buffer) {
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

test("what the provider calls unfinished is, whatever the engine has forgotten of it", () => {
  const outputs = { name: "domu3", unfinished: true };
  const resource = { type: "v4v:index:Domain", urn: "urn:pulumi:dev::p::t::domu3", outputs };
  const state = parseState(JSON.stringify({ deployment: { resources: [resource] } }));
  expect(state?.resources).toMatchObject([{ name: "domu3", unfinished: true }]);
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

test("no state and a damaged one are not there", () => {
  expect(readState("dev")).toBeUndefined();
  put(".pulumi/stacks/v4vsockets-testbed/dev.json", CHECKPOINT.slice(0, 100));
  expect(readState("dev")).toBeUndefined();
});

test("a compressed state is one, too", () => {
  put(".pulumi/stacks/v4vsockets-testbed/dev.json.gz", gzipSync(CHECKPOINT));
  expect(readState("dev")?.pending).toEqual(["creating v4v:index:Domain domu3"]);
});

describe("of a state elsewhere", () => {
  const { latest } = (JSON.parse(CHECKPOINT) as { checkpoint: { latest: object } }).checkpoint;

  /** An engine that says this when it is asked for the state. */
  function engine(says: string) {
    const asked = `[ "$1" = version ] && echo 3.259.0 && exit
      [ "$*" = "stack export --stack dev --non-interactive --cwd ${PROJECT}" ] || exit 3
      [ "$PULUMI_BACKEND_URL" = s3://bucket ] || exit 4
      ${says}`;
    vi.stubEnv("PATH", `${standIns(folder("bin"), { pulumi: asked })}:${process.env.PATH ?? ""}`);
    vi.stubEnv("XDG_STATE_HOME", folder("states"));
    vi.stubEnv("PULUMI_BACKEND_URL", "s3://bucket");
  }

  test("the engine is asked, which gives what a file would have", () => {
    put("export.json", JSON.stringify({ version: 3, deployment: latest }));
    engine(`cat '${folder("export.json")}'`);
    expect(readState("dev")).toEqual(parseState(CHECKPOINT));
  });

  test("a stack that is not there has none", () => {
    engine("echo \"error: no stack named 'dev' found\" >&2; exit 255");
    expect(readState("dev")).toBeUndefined();
  });

  test("that cannot be had it is not said that there is none", () => {
    engine("echo 'warning: w' >&2; echo 'error: access denied' >&2; exit 255");
    expect(() => readState("dev")).toThrow(StateOutOfReach);
    expect(() => readState("dev")).toThrow(
      "the state in s3://bucket cannot be read: error: access denied",
    );
  });

  test("an engine of this computer that works on the stack, in this clone, is at work", async () => {
    vi.stubEnv("PULUMI_BACKEND_URL", "s3://bucket");
    const up = (stack: string, cwd: string) =>
      start("sh", ["-c", "sleep 60; :", "up", "--stack", stack, "--cwd", cwd], {
        argv0: "/usr/bin/pulumi",
      });
    await up("other", PROJECT);
    await up("dev", "/another/clone");
    expect(workerOf("dev")).toBeUndefined();
    const { pid } = await up("dev", PROJECT);
    expect(workerOf("dev")).toMatch(new RegExp(`^process ${pid} of .* on ${hostname()}$`));
  });
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
