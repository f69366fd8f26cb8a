import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { readPathProof } from "../../../evaluation/path/proof.ts";
import { useFolder } from "../helpers/folder.ts";
import { standIns } from "../helpers/programs.ts";

const SCRIPT = join(import.meta.dirname, "../../../dom0/path-proof");
const folder = useFolder();
const BYTES = 300_000;
let port = 23_000 + (process.pid % 20_000);

/**
 * Two domUs that are this computer's shell, with TCP in place of AF_VSOCK, a tracefs of plain files, and a table of one
 * rule; `more` is shell of either domU's, run before anything else there.
 */
function prove(more = "") {
  for (const domU of ["domu1", "domu2"]) {
    mkdirSync(folder(`${domU}/events/v4vpath/grants`), { recursive: true });
    for (const name of ["kprobe_events", "events/v4vpath/grants/enable"])
      writeFileSync(folder(`${domU}/${name}`), "");
    writeFileSync(folder(`${domU}/kprobe_profile`), "  other 5 0\n  grants 7 0\n");
  }
  const rule = folder("rule");
  const programs = standIns(folder("bin"), {
    // ssh -F CONFIG HOST COMMAND
    ssh: `
host=$3; shift 3
V4V_TRACING='${folder()}'/$host
export V4V_TRACING
${more}
case "$*" in
*"send vsock"*) ! grep -q drop '${rule}' || { echo '"sent": 0, "client_grants": 0, "error": "EACCES"'; exit; } ;;
esac
exec sh -c "$(echo "$*" | sed 's/vsock 5/tcp 127.0.0.1/; s/ 10$/ 2/')"`,
    v4vrun: 'exec "$@"',
    viptables: `
echo "$*" >>'${folder("asked")}'
case "$1" in
-I) [ "$*" != "-I -s domu1 -d domu2 -j $(cat '${rule}' 2>/dev/null)" ] && echo "$7" >'${rule}' ;;
-D) [ "$7" = "$(cat '${rule}')" ] && : >'${rule}' ;;
-L) echo "policy accept: 9 packets, 9 bytes"; echo "num packets bytes target source destination"
    echo "  1   12   400000 $(cat '${rule}') domu1 domu2" ;;
esac`,
  });
  writeFileSync(rule, "");
  port += 10;
  const { status, stdout, stderr } = spawnSync(SCRIPT, ["domu1", "domu2", "127.0.0.1", "5"], {
    encoding: "utf8",
    timeout: 60_000,
    env: {
      ...process.env,
      PATH: [programs, process.env.PATH ?? ""].join(delimiter),
      PATH_BYTES: String(BYTES),
      PATH_PORT: String(port),
      PATH_WAIT: "5",
    },
  });
  return { status, stderr, proof: readPathProof(stdout) };
}

const asked = (): string[] =>
  existsSync(folder("asked")) ? readFileSync(folder("asked"), "utf8").trim().split("\n") : [];

test("each case has its transfer, rules stand for their case alone, and tracing is put back", () => {
  const { status, stderr, proof } = prove();
  expect([status, stderr, proof.failures]).toEqual([0, "", []]);
  const whole = { sent: BYTES, received: BYTES, client_grants: 0, server_grants: 0, error: null };
  const rule = { rule_packets: 12, rule_bytes: 400_000 };
  // Without a module nothing went by a ring.
  const way = { ring_bytes: 0, tcp_bytes: 0 };
  expect(proof.transfers).toMatchObject([
    { case: "tcp", ...whole, ...way },
    { case: "v4v", ...whole, ...rule },
    { case: "drop", sent: 0, received: 0, error: "EACCES", ...rule },
    { case: "asks", ...whole },
    { case: "plain", ...whole },
  ]);
  expect(proof.transfers[0]).not.toHaveProperty("rule_bytes");
  expect(asked().filter((line) => line !== "-L")).toEqual(
    ["accept", "drop"].flatMap((target) => [
      `-I -s domu1 -d domu2 -j ${target}`,
      `-D -s domu1 -d domu2 -j ${target}`,
    ]),
  );
  expect(readFileSync(folder("rule"), "utf8")).toBe("");
  const events = readFileSync(folder("domu1/kprobe_events"), "utf8").trim().split("\n");
  expect(events.filter((line) => line.startsWith("p:"))).toHaveLength(4);
  expect(events.at(-1)).toBe("-:v4vpath/grants");
});

test("what goes wrong is told with its reason, and the rules are gone all the same", () => {
  const { status, proof } = prove(
    `[ "$host" != domu1 ] || { echo "domu1: it said \\"no\\"" >&2; exit 3; }`,
  );
  expect([status, proof.transfers]).toEqual([0, []]);
  expect(proof.failures).toEqual(
    ["tcp", "v4v", "drop", "asks", "plain"].map((name) => ({
      case: name,
      why: "the client failed: domu1: it said no",
    })),
  );
  expect(asked().filter((line) => line.startsWith("-D"))).toHaveLength(2);
});

test("a listener that never listens is not waited for", () => {
  const { status, proof } = prove(`[ "$host" != domu2 ] || { echo "gone" >&2; exit 255; }`);
  expect(status).toBe(0);
  expect(proof.failures.map(({ why }) => why)).toEqual(
    Array<string>(5).fill("the server does not listen: gone"),
  );
});
