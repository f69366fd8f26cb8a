import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import type { Prior, Properties } from "../../../../provider/resource.ts";
import { rulesResource as rules } from "../../../../provider/resources/rules.ts";
import { inputDiff } from "../../../../provider/rpc/values.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const RULES = "# ours\n-P accept\n-A -s domu1 -d domu2 -j drop\n";
const UNIT = "v4v-unit-test-rules.service";

/** viptables with a file for a table: domu2 is the domain that may not run. */
const VIPTABLES = `#!/bin/sh -eu
table=$(dirname "$0")/table
[ ! -e "$table.refuses" ] || { cat "$table.refuses" >&2; exit "$(head -c 1 "$table.refuses")"; }
if [ "$1" = --save ]; then cat "$table"; exit; fi
[ "$1" = --restore ]
wanted=$(cat -- "$2" | grep -v '^#')
[ ! -e "$table.alone" ] || wanted=$(echo "$wanted" | grep -v domu2)
case "$*" in *--test*) echo "$wanted" ;; *) echo "$wanted" >"$table" ;; esac
`;

const refuse = (code: number, why: string) => {
  writeFileSync(folder("table.refuses"), `${code}: ${why}\n`);
};
const table = () => readFileSync(folder("table"), "utf8");

async function given(): Promise<Properties> {
  // The link to the unit would be this computer's.
  const programs = standIns(folder("bin"), { ln: `echo "$*" >>'${folder("links")}'` });
  const { connection } = await farSide({ programs });
  writeFileSync(folder("viptables"), VIPTABLES);
  chmodSync(folder("viptables"), 0o755);
  return {
    connection: { ...connection },
    dom0BootId: "b",
    rules: RULES,
    path: folder("far/rules"),
    tool: folder("viptables"),
    unit: UNIT,
  };
}

const prior = (inputs: Properties): Prior => ({ id: "x", inputs, outputs: {} });
const read = async (inputs: Properties) =>
  (await rules.read(recordedContext(), prior(inputs)))?.inputs ?? {};
const changed = (inputs: Properties, next: Properties) =>
  inputDiff(prior(inputs), next, rules).changed;

test("ensure puts them in force, and keeps them for the next boot", async () => {
  const inputs = await given();
  await rules.ensure(recordedContext(), inputs, undefined);
  expect(table()).toBe("-P accept\n-A -s domu1 -d domu2 -j drop\n");
  expect(readFileSync(folder("far/rules"), "utf8")).toBe(RULES);
  expect(readFileSync(folder("links"), "utf8")).toBe(
    `-sf /etc/systemd/system/${UNIT} /etc/systemd/system/multi-user.target.wants/${UNIT}\n`,
  );
  expect(changed(inputs, await read(inputs))).toEqual([]);
});

test("rules that viptables refuses are an error with its words", async () => {
  const inputs = await given();
  refuse(1, "more than one domain is called domu1");
  await expect(rules.ensure(recordedContext(), inputs, undefined)).rejects.toThrow(
    /putting the rules in force on .* failed with exit code 1:\n.*more than one domain is called domu1/,
  );
});

describe("read sees", () => {
  test("rules of a domain that does not run as no change", async () => {
    const inputs = await given();
    writeFileSync(folder("table.alone"), "");
    await rules.ensure(recordedContext(), inputs, undefined);
    expect(table()).toBe("-P accept\n");
    expect(changed(inputs, await read(inputs))).toEqual([]);
    // It runs now, and nobody restored its rules.
    rmSync(folder("table.alone"));
    expect(changed(inputs, await read(inputs))).toEqual(["rules"]);
  });

  test.each([
    ["a table changed by hand", "table", "-P drop\n", "-P drop\n"],
    ["a table without rules", "table", "-P accept\n", "-P accept\n"],
    ["a file changed by hand", "far/rules", "-P drop\n", / is changed or absent\n-P accept\n-A/],
  ])("%s, and ensure mends it", async (_what, file, content, found) => {
    const inputs = await given();
    await rules.ensure(recordedContext(), inputs, undefined);
    writeFileSync(folder(file), content);
    const now = await read(inputs);
    expect(now.rules).toEqual(
      typeof found === "string" ? found : (expect.stringMatching(found) as unknown),
    );
    // What was found is the state's from now on; the next look must not take it for what is wanted.
    expect(changed(inputs, await read(now))).toEqual(["rules"]);
    await rules.ensure(recordedContext(), inputs, prior(now));
    expect(changed(inputs, await read(inputs))).toEqual([]);
  });

  test("that the file is gone", async () => {
    const inputs = await given();
    await rules.ensure(recordedContext(), inputs, undefined);
    rmSync(folder("far/rules"));
    expect((await read(inputs)).rules).toContain(`# ${folder("far/rules")} is changed or absent`);
  });

  test.each([
    [
      "is gone",
      () => {
        rmSync(folder("viptables"));
      },
    ],
    [
      "is refused",
      () => {
        refuse(3, "no V4V");
      },
    ],
  ])("that viptables %s", async (_what, change) => {
    const inputs = await given();
    await rules.ensure(recordedContext(), inputs, undefined);
    change();
    expect((await read(inputs)).rules).toContain("does not tell what is in force");
  });

  test("nothing of a machine that does not answer: an error", async () => {
    const inputs = await given();
    const far = await farSide();
    await far.stop();
    const silent = prior({ ...inputs, connection: { ...far.connection } });
    await expect(rules.read(recordedContext(1), silent)).rejects.toThrow("looking at the rules");
  });
});

describe("delete", () => {
  test("leaves a table that accepts, and no file; twice is no error", async () => {
    const inputs = await given();
    await rules.ensure(recordedContext(), inputs, undefined);
    await rules.delete(recordedContext(), prior(inputs));
    await rules.delete(recordedContext(), prior(inputs));
    expect(table()).toBe("-P accept\n");
    expect(existsSync(folder("far/rules"))).toBe(false);
  });

  test("is content with a hypervisor without V4V, and with no other failure", async () => {
    const inputs = await given();
    refuse(3, "no V4V");
    await rules.delete(recordedContext(), prior(inputs));
    refuse(1, "are you root?");
    await expect(rules.delete(recordedContext(), prior(inputs))).rejects.toThrow("are you root?");
  });

  test("says that rules stay if nothing is there to take them away", async () => {
    const inputs = await given();
    rmSync(folder("viptables"));
    const context = recordedContext();
    await rules.delete(context, prior(inputs));
    expect(context.warnings.join()).toContain("rules stay in force until it reboots");
  });
});

test("it is known by its host, and wants all that it is made of", async () => {
  expect(rules.id(await given())).toBe("rules@127.0.0.1");
  const { failures } = (await rules.check?.({ unit: UNIT }, undefined)) ?? {};
  expect(failures?.map(({ property }) => property).sort()).toEqual([
    "connection",
    "path",
    "rules",
    "tool",
  ]);
});
