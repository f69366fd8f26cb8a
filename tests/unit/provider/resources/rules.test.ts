import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import type { Properties } from "../../../../provider/resource.ts";
import { rulesResource as rules } from "../../../../provider/resources/rules.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const TABLE = "-P accept\n-A -s any -d dom0 -j drop\n";

/** A stand-in keeps the table in a file: it shows what the resource makes of viptables, and nothing about Xen. */
async function host(viptables = ""): Promise<Properties> {
  const programs = standIns(folder("bin"), {
    ln: "",
    viptables:
      viptables ||
      `table='${folder("table")}'
case $* in
*--test*) cat ;;
"--restore -") cat >"$table" ;;
--restore*) cat "$2" >"$table" ;;
--save) cat "$table" ;;
esac`,
  });
  const { connection } = await farSide({ programs });
  return {
    connection: { ...connection },
    dom0BootId: "b",
    rules: TABLE,
    path: folder("rules"),
    tool: `${programs}/viptables`,
    unit: "v4v-unit-test-rules.service",
  };
}

const at = (inputs: Properties) => ({ id: "x", inputs, outputs: {} });

describe("the rules", () => {
  test("are put in force, and kept for the next boot", async () => {
    const inputs = await host();
    await rules.ensure(recordedContext(), inputs, undefined);
    expect(readFileSync(folder("table"), "utf8")).toBe(TABLE);
    expect(readFileSync(folder("rules"), "utf8")).toBe(TABLE);
    const read = await rules.read(recordedContext(), at(inputs));
    expect(read?.inputs).toEqual(inputs);
  });

  test("changed by hand are read as what they are, so that up puts them right", async () => {
    const inputs = await host();
    await rules.ensure(recordedContext(), inputs, undefined);
    writeFileSync(folder("table"), "-P accept\n");
    const read = await rules.read(recordedContext(), at(inputs));
    expect(read?.inputs.rules).toBe("-P accept\n");
  });

  test("whose file was changed are not taken for the ones asked for, though those are in force", async () => {
    const inputs = await host();
    await rules.ensure(recordedContext(), inputs, undefined);
    writeFileSync(folder("rules"), "-P drop\n");
    const read = await rules.read(recordedContext(), at(inputs));
    expect(read?.inputs.rules).toMatch(/^# .*rules is changed or absent\n/);
  });

  test("that the hypervisor refuses are an error with its words", async () => {
    const inputs = await host(
      "echo 'viptables: the hypervisor refuses: Operation not permitted' >&2; exit 1",
    );
    await expect(rules.ensure(recordedContext(), inputs, undefined)).rejects.toThrow(
      /putting the rules in force on .*\n.*Operation not permitted/,
    );
  });

  test("are taken away with their file; a hypervisor without V4V has none", async () => {
    const inputs = await host();
    await rules.ensure(recordedContext(), inputs, undefined);
    await rules.delete(recordedContext(), at(inputs));
    expect(readFileSync(folder("table"), "utf8")).toBe("-P accept\n");
    expect(existsSync(folder("rules"))).toBe(false);
    const without = await host("echo 'this hypervisor has no V4V' >&2; exit 1");
    await rules.delete(recordedContext(), at(without));
  });
});
