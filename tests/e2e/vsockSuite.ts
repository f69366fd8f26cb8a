import { join } from "node:path";
import { expect } from "vitest";
import { quote } from "../../provider/ssh/quote.ts";
import type { Testbed } from "./testbed.ts";

/**
 * Linux's own tests of AF_VSOCK (tools/testing/vsock of the kernel that the domains run), case by case between two
 * domains. Nobody here wrote them.
 */

/** Cases that cannot apply, by what `vsock_test --list` calls them. */
const SKIPPED: Record<string, string> = {
  "SOCK_STREAM MSG_ZEROCOPY":
    "the hypervisor copies, nothing is pinned for later: SO_ZEROCOPY is refused, as by any transport without it",
  "SOCK_SEQPACKET MSG_ZEROCOPY":
    "the hypervisor copies, nothing is pinned for later: SO_ZEROCOPY is refused, as by any transport without it",
};

/** Not below /run, from which dom0 executes nothing. */
const IN_DOMAIN = "/var/tmp/vsock_test";
const FIRST_PORT = 21000;
/** A case has its own time-outs of 10 s; this bounds one that hangs, s. */
const CASE_SECONDS = 60;

/** Runs the cases one after the other as one side; a client waits for its server to listen. */
const SIDE = `
mode=$1 cases=$2 total=$3 peer=$4 address=$5
for case in $cases; do
  skip=
  for other in $(seq 0 $((total - 1))); do [ "$other" = "$case" ] || skip="$skip --skip $other"; done
  set -- --mode="$mode" --control-port=$((${FIRST_PORT} + case)) --peer-cid="$peer" $skip
  [ "$mode" = server ] || set -- "$@" --control-host="$address"
  tries=0
  while :; do
    code=0
    timeout ${CASE_SECONDS} ${IN_DOMAIN} "$@" >/run/vsock_test.log 2>&1 </dev/null || code=$?
    tries=$((tries + 1))
    [ "$mode" = client ] && [ $tries -lt 200 ] && grep -q 'Control socket initialization failed' /run/vsock_test.log || break
    sleep 0.2
  done
  echo "case $case: $code"
  [ $code = 0 ] || sed 's/^/  /' /run/vsock_test.log | tail -n 4
done`;

interface Case {
  number: number;
  name: string;
}

export interface End {
  /** "host" is dom0. */
  domain: string;
  cid: number;
  address: string;
}

export class VsockSuite {
  readonly #testbed: Testbed;
  cases: Case[] = [];

  constructor(testbed: Testbed) {
    this.#testbed = testbed;
  }

  /** Builds the programs for the testbed's kernel and puts them into the domains. */
  async place(domains: readonly string[]): Promise<void> {
    const { path, facts } = await this.#testbed.build("vsock-suite");
    console.log(`tools/testing/vsock of Linux ${facts.version ?? ""}`);
    for (const domain of domains) {
      this.#testbed.copy(domain, join(path, "bin/vsock_test"), IN_DOMAIN);
    }
    const [first = "host"] = domains;
    const listed = await this.#testbed.on(
      first,
      // Its exit code is 1 for a list, too.
      `${IN_DOMAIN} --list || :`,
    );
    this.cases = [...listed.matchAll(/^(\d+)\t(.*)$/gm)].map(([, number, name = ""]) => ({
      number: Number(number),
      name: name.trim(),
    }));
    expect(this.cases.length, listed).toBeGreaterThan(20);
  }

  /** All cases that apply, with these two ends; what failed, in words. */
  async run(server: End, client: End): Promise<string[]> {
    const chosen = this.cases.filter(({ name }) => SKIPPED[name] === undefined);
    const side = (mode: "server" | "client", end: End, peer: End) =>
      this.#testbed.on(
        end.domain,
        `sh -c ${quote(SIDE)} side ${mode} '${chosen.map(({ number }) => number).join(" ")}' ${this.cases.length} ${peer.cid} ${server.address}`,
        900,
      );
    const [atServer, atClient] = await Promise.all([
      side("server", server, client),
      side("client", client, server),
    ]);
    return chosen.flatMap(({ number, name }) => {
      const ended = (output: string) =>
        new RegExp(`^case ${number}: (\\d+)((?:\\n {2}.*)*)`, "m").exec(output);
      return [ended(atServer), ended(atClient)].flatMap((end, i) =>
        end?.[1] === "0"
          ? []
          : [`${number} ${name}: ${i === 0 ? "server" : "client"} ${end?.[0] ?? "did not run"}`],
      );
    });
  }

  skipped(): string[] {
    return this.cases.flatMap(({ number, name }) =>
      SKIPPED[name] === undefined ? [] : [`${number} ${name}: ${SKIPPED[name]}`],
    );
  }
}
