import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { succeeded } from "./lifecycle.ts";
import { keysIn, textSecret, type Secret } from "./secrets.ts";
import type { Testbed } from "./testbed.ts";

/** What a stack keeps secret: its keys, by the state itself, and the passphrase that the state is encrypted with. */
export async function secretsOf(testbed: Testbed): Promise<Secret[]> {
  const shown = ["stack", "export", "--show-secrets", "--stack", testbed.stack];
  const { output } = succeeded(await testbed.pulumi(shown));
  const folder = dirname(dirname(testbed.runFolder ?? ""));
  return [
    ...keysIn(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1)),
    textSecret("passphrase", readFileSync(join(folder, "passphrase"), "utf8").trim()),
  ];
}

/** Mode, owner and path of each file of dom0's that holds one of them, and the number of lines of its journal that do. */
export async function holdersOnHost(
  testbed: Testbed,
  secrets: readonly Secret[],
): Promise<{ files: string[]; inJournal: string }> {
  const patterns = join(dirname(testbed.project), "patterns");
  writeFileSync(patterns, `${secrets.flatMap(({ lines }) => lines).join("\n")}\n`, { mode: 0o600 });
  testbed.copy("host", patterns, "/run/patterns");
  rmSync(patterns);
  const holders = await testbed.on(
    "host",
    `chmod 600 /run/patterns
     grep -rlF -D skip --exclude=patterns --exclude=*.ext4 -f /run/patterns /etc /root /run /tmp /var /usr/local 2>/dev/null | while read -r file; do stat -c '%a %U %n' "$file"; done
     journalctl -q --no-pager -o cat | grep -cF -f /run/patterns || :
     rm /run/patterns`,
    300,
  );
  const [inJournal = "", ...files] = holders.split("\n").reverse();
  return { files: files.sort(), inJournal };
}

/** Where dom0 has to have some of them: its own key for its domUs, and the domUs' host keys. */
export const holdersWithDomUs = (domUs: readonly string[]): string[] =>
  [
    "600 root /etc/v4v-testbed/id_ed25519",
    ...domUs.map(
      (name) =>
        `600 root /var/lib/v4v-testbed/domains/${name}/payload/payload/etc/ssh/ssh_host_ed25519_key`,
    ),
  ].sort();
