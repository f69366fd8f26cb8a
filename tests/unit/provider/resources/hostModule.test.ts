import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { UNKNOWN, type Properties } from "../../../../provider/resource.ts";
import { hostModuleResource as hostModule } from "../../../../provider/resources/hostModule.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { PROJECT } from "../../components/world.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { hostInFolder } from "../../helpers/hostInFolder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const BUILT = { path: "/cache/module", facts: { "kernel-release": "6.12.1", srcversion: "5EC" } };

const inputsOf = (connection: Properties, kernel: string): Properties => ({
  connection,
  project: PROJECT,
  built: BUILT,
  kernel,
  state: "/var/lib/v4v-testbed-host",
  runFolder: folder("run"),
});

test("a kernel that is the build root's takes its module, and nobody is asked", async () => {
  const inputs = inputsOf({ host: "nowhere", port: 1 }, "6.12.1");
  expect(await hostModule.ensure(recordedContext(), inputs, undefined)).toEqual(BUILT);
});

test("for another one it is built there, of these sources, and fetched as it is", async () => {
  for (const path of ["etc", "var/lib/v4v-testbed-host", "proc"])
    mkdirSync(folder(`host/${path}`), { recursive: true });
  writeFileSync(folder("host/etc/os-release"), "ID=debian\n");
  for (const name of ["cmdline", "cpuinfo", "meminfo"])
    writeFileSync(folder(`host/proc/${name}`), "MemTotal: 9 kB\nMemAvailable: 1 kB\n");
  const module = randomBytes(70_001);
  writeFileSync(folder("module"), module);
  const programs = standIns(folder("bin"), {
    uname: "echo 6.13.0-rt",
    "dpkg-query": "echo installed",
    modinfo: "echo ABCD",
    strip: "exit 0",
    make: `for part; do case $part in M=*) cd "\${part#M=}" ;; esac; done
echo "$*" >'${folder("made")}'; ls >>'${folder("made")}'; cp '${folder("module")}' v4v.ko`,
  });
  const { connection } = await farSide({ behaviour: hostInFolder(folder("host"), programs) });
  const inputs = inputsOf({ ...connection }, "6.13.0-rt");
  const outputs = await hostModule.ensure(recordedContext(), inputs, undefined);
  const path = folder("run/modules/6.13.0-rt");
  expect(outputs).toEqual({
    path,
    facts: {
      "kernel-release": "6.13.0-rt",
      srcversion: "ABCD",
      sha256: createHash("sha256").update(module).digest("hex"),
    },
  });
  expect(readFileSync(`${path}/v4v.ko`).equals(module)).toBe(true);
  const made = readFileSync(folder("made"), "utf8");
  expect(made).toContain("/lib/modules/6.13.0-rt/build");
  for (const source of ["Kbuild", "main.c", "ulp.c", "v4v.h", "transport.c"])
    expect(made).toContain(`${source}\n`);
  expect(existsSync(folder("host/var/lib/v4v-testbed-host/build"))).toBe(false);

  const before = { id: "x", inputs, outputs };
  expect(await hostModule.read(recordedContext(), before)).toBeDefined();
  await hostModule.delete(recordedContext(), before);
  expect(existsSync(path)).toBe(false);
  // What the controller had built is not the stack's to remove.
  expect(await hostModule.read(recordedContext(), before)).toBeUndefined();
});

test("it is another one when its sources are", async () => {
  const checked = await hostModule.check?.(inputsOf({ host: "h" }, UNKNOWN), undefined);
  expect(checked?.failures ?? []).toEqual([]);
  expect(checked?.inputs.sourceDigest).toMatch(/^[0-9a-f]{64}$/);
});
