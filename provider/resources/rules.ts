import { createHash } from "node:crypto";
import { missing, typed } from "../inputs.ts";
import type { Context, Prior, Properties, Resource } from "../resource.ts";
import { Remote } from "../ssh/remote.ts";
import type { Connection } from "../ssh/target.ts";
import { within } from "../host/within.ts";

/** Inputs of `v4v:index:Rules`: the hypervisor's table of rules. */
export interface RulesInputs {
  connection: Connection;
  /** After a reboot the table has to be looked at again. */
  dom0BootId: string;
  /** The table as `viptables --restore` takes it, domains by name; after a refresh, what was found instead. */
  rules: string;
  /** Where the host keeps it for its next boot and for domUs that are created later. */
  path: string;
  /** viptables on the host. */
  tool: string;
  /** Unit that restores the table when the host boots. */
  unit: string;
}

/** Rules about domains that do not run are none of the hypervisor's: `domu` restores them with their domain. */
const RESTORE = `
ln -sf "/etc/systemd/system/$3" "/etc/systemd/system/multi-user.target.wants/$3"
"$2" --restore "$1" --skip-absent`;

/** Prints the SHA-256 of the host's file, what --restore would put in force now, and what is in force. */
const LOOK = `
digest=$(sha256sum 2>/dev/null <"$1" | cut -c 1-64) || :
echo "\${digest:-absent}"
printf '%s' "$3" | "$2" --restore - --skip-absent --test || echo "# $2 does not tell what should be in force"
echo ===
"$2" --save || echo "# $2 does not tell what is in force"`;

/** Exit code 3: a hypervisor without V4V, which has no rules to take away. */
const REMOVE = `
rm -f -- "$1" "/etc/systemd/system/multi-user.target.wants/$3"
[ -x "$2" ] || { echo absent; exit 0; }
echo "-P accept" | "$2" --restore - || [ "$?" = 3 ]`;

/** What is in force instead of the rules that were asked for, or undefined if it is these. */
function drift(inputs: RulesInputs, found: string): string | undefined {
  const [digest = "", ...lines] = found.split("\n");
  const [expected = "", actual = ""] = lines.join("\n").split("===\n");
  const onDisk = createHash("sha256").update(inputs.rules).digest("hex");
  const notes = digest === onDisk ? "" : `# ${inputs.path} is changed or absent\n`;
  return notes === "" && expected === actual ? undefined : notes + actual;
}

/** The table of rules: in force, and in force again after a reboot of the host and for each domU that is created. */
export const rulesResource: Resource = {
  deadlines: { create: 300, update: 300, delete: 60 },

  id: (inputs) => `rules@${typed<RulesInputs>(inputs).connection.host}`,

  check: (inputs) =>
    Promise.resolve({
      inputs,
      failures: missing(inputs, ["connection", "rules", "path", "tool", "unit"]),
    }),

  async ensure(context: Context, properties: Properties): Promise<Properties> {
    const { connection, rules, path, tool, unit } = typed<RulesInputs>(properties);
    const remote = new Remote(connection, context.signal);
    await remote.write([{ path, content: rules, mode: 0o644 }]);
    await remote.run("putting the rules in force", RESTORE, path, tool, unit);
    return {};
  },

  async read(context: Context, prior: Prior) {
    const inputs = typed<RulesInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, within(context.signal, 20));
    const found = await remote.run(
      "looking at the rules",
      LOOK,
      inputs.path,
      inputs.tool,
      inputs.rules,
    );
    const rules = drift(inputs, found) ?? inputs.rules;
    return { inputs: { ...prior.inputs, rules }, outputs: prior.outputs };
  },

  async delete(context: Context, prior: Prior): Promise<void> {
    const { connection, path, tool, unit } = typed<RulesInputs>(prior.inputs);
    const remote = new Remote(connection, context.signal);
    const said = await remote.run("taking the rules away", REMOVE, path, tool, unit);
    if (said.trim() === "absent")
      context.warn(`${tool} is gone from ${remote.name}: rules stay in force until it reboots`);
  },
};
