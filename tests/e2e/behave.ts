import { join } from "node:path";
import type { Testbed } from "./testbed.ts";

/** The table of socket behaviours (tests/sockets), played between two domUs. */

const PROGRAM = "/usr/local/bin/behave";

export async function placeBehave(testbed: Testbed, domains: readonly string[]): Promise<void> {
  const build = (await testbed.resources()).find(
    ({ type, inputs }) => type === "v4v:index:Build" && inputs?.recipe === "sockets",
  );
  const behave = join(String(build?.outputs?.path), "tests/behave");
  for (const domain of domains) testbed.copy(domain, behave, PROGRAM);
}

export interface Play {
  server: string;
  client: string;
  address: string;
  port: number;
  options: string;
}

/** What each behaviour looked like to both ends, by name. */
export async function play(
  testbed: Testbed,
  { server, client, address, port, options }: Play,
): Promise<Map<string, string>> {
  const command = (role: string) => `${PROGRAM} ${role} ${address} ${port} ${options}`;
  await testbed.on(
    server,
    `nohup ${command("serve")} >/tmp/behave.log 2>&1 &
    for i in $(seq 100); do ! ss -Hltn 'sport = :${port}' | grep -q . || exit 0; sleep 0.1; done
    cat /tmp/behave.log; exit 1`,
  );
  const said = await testbed.on(client, command("call"), 900);
  return new Map(
    [...said.matchAll(/^(\S.*)((?:\n {2}.*)*)/gm)].map(
      ([, name = "", lines = ""]): [string, string] => [name, lines],
    ),
  );
}
