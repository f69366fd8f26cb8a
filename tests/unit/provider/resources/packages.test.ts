import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Prior, Properties } from "../../../../provider/resource.ts";
import {
  packagesResource as resource,
  type RemotePackage,
} from "../../../../provider/resources/packages.ts";
import { inputDiff } from "../../../../provider/rpc/values.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const SENT = "/var/tmp/v4v-testbed-packages";

/** dpkg itself, with a root of its own: this computer's is none of the tests' business. */
beforeEach(() => {
  for (const path of ["root/var/lib/dpkg/info", "root/var/lib/dpkg/updates", "root/etc"])
    mkdirSync(folder(path), { recursive: true });
  for (const path of ["root/var/lib/dpkg/status", "calls"]) writeFileSync(folder(path), "");
  vi.stubEnv("DPKG_ROOT", folder("root"));
  vi.stubEnv("DPKG_ADMINDIR", folder("root/var/lib/dpkg"));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** As a resource's input. */
type Made = Pick<RemotePackage, keyof RemotePackage>;

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

/** A package as recipes/debian/package.sh makes them: a program, a page that images leave out, a script. */
function packageOf(name: string, text: string): Made {
  const parts = folder(`${name}-${text}`);
  const version = "0.1.0";
  const files = { [`usr/bin/${name}`]: text, [`usr/share/doc/${name}/copyright`]: "a licence" };
  const md5sums = Object.entries(files)
    .map(([path, content]) => `${md5(content)}  ${path}\n`)
    .join("");
  const postinst = `#!/bin/sh\necho "${name} $1" >>'${folder("calls")}'\n`;
  const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: nobody\nDescription: a test's\n`;
  const all = {
    ...files,
    "DEBIAN/control": control,
    "DEBIAN/md5sums": md5sums,
    "DEBIAN/postinst": postinst,
  };
  for (const [path, content] of Object.entries(all)) {
    mkdirSync(dirname(`${parts}/${path}`), { recursive: true });
    writeFileSync(`${parts}/${path}`, content);
  }
  for (const path of [".", "DEBIAN", "usr"]) chmodSync(`${parts}/${path}`, 0o755);
  chmodSync(`${parts}/DEBIAN/postinst`, 0o755);
  const source = folder(`${name}-${text}.deb`);
  execFileSync("dpkg-deb", ["--root-owner-group", "--build", parts, source], { stdio: "pipe" });
  const build = createHash("sha256").update(`${version}\n${md5sums}${postinst}`).digest("hex");
  return { name, source, build };
}

async function inputsOf(packages: Made[], more: Properties = {}): Promise<Properties> {
  const force = "--force-not-root --force-script-chrootless --force-depends --force-bad-path";
  const programs = standIns(folder("bin"), {
    dpkg: `exec /usr/bin/dpkg ${force} --path-exclude='/usr/share/doc/*' --log='${folder("log")}' "$@"`,
  });
  const { connection } = await farSide({ programs });
  return { connection: { ...connection }, incarnation: "1", packages, ...more };
}

const prior = (inputs: Properties): Prior => ({ id: "x", inputs, outputs: {} });
const calls = () => readFileSync(folder("calls"), "utf8");
const program = (name: string) => folder(`root/usr/bin/${name}`);
const installed = () =>
  execFileSync("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Abbrev}\n"], {
    encoding: "utf8",
  });

async function ensured(packages: Made[], more: Properties = {}): Promise<Properties> {
  const inputs = await inputsOf(packages, more);
  await resource.ensure(recordedContext(), inputs, undefined);
  return inputs;
}

async function found(inputs: Properties): Promise<string[]> {
  const read = (await resource.read(recordedContext(), prior(inputs)))?.inputs ?? {};
  return (read.packages as unknown as RemotePackage[]).map(({ build }) => build);
}

test("packages are installed by dpkg, with their scripts, and nothing of the transport stays", async () => {
  const [one, two] = [packageOf("one", "1"), packageOf("two", "1")];
  const inputs = await ensured([one, two], { then: `echo then >>'${folder("calls")}'` });
  expect(readFileSync(program("one"), "utf8")).toBe("1");
  expect(installed()).toBe("one ii \ntwo ii \n");
  expect(calls()).toBe("one configure\ntwo configure\nthen\n");
  expect(existsSync(SENT)).toBe(false);
  expect(existsSync(folder("root/usr/share/doc/one/copyright"))).toBe(false);
  expect(await found(inputs)).toEqual([one.build, two.build]);
});

test("what is installed is neither sent nor installed again", async () => {
  const packages = [packageOf("one", "1")];
  const inputs = await ensured(packages, { then: `echo then >>'${folder("calls")}'` });
  rmSync(packages[0]?.source ?? "");
  const before = calls();
  const context = recordedContext();
  await resource.ensure(context, inputs, prior(inputs));
  expect(calls()).toBe(before);
  expect(context.statuses).toEqual(["looking at packages"]);
});

test("of another build with the same version only what changed is installed, and that is no other input by itself", async () => {
  const two = packageOf("two", "1");
  const inputs = await ensured([packageOf("one", "1"), two]);
  const next = { ...inputs, packages: [packageOf("one", "2"), two] };
  expect(inputDiff(prior(inputs), next, resource).changed).toEqual(["packages"]);
  writeFileSync(folder("calls"), "");
  await resource.ensure(recordedContext(), next, prior(inputs));
  expect(readFileSync(program("one"), "utf8")).toBe("2");
  expect(calls()).toBe("one configure\n");
});

test.each<[string, string, (inputs: Properties) => void]>([
  [
    "a program was changed",
    "changed",
    () => {
      writeFileSync(program("one"), "else");
    },
  ],
  [
    "a program is missing",
    "changed",
    () => {
      rmSync(program("one"));
    },
  ],
  [
    "the package was removed by hand",
    "absent",
    () => execFileSync(folder("bin/dpkg"), ["--purge", "one"], { stdio: "pipe" }),
  ],
  [
    "dpkg was interrupted",
    "absent",
    () => {
      const status = folder("root/var/lib/dpkg/status");
      const text = readFileSync(status, "utf8");
      writeFileSync(status, text.replace("install ok installed", "install ok half-configured"));
    },
  ],
])("refresh sees that %s, and ensure mends it", async (_what, told, change) => {
  const one = packageOf("one", "1");
  const inputs = await ensured([one]);
  change(inputs);
  expect(await found(inputs)).toEqual([told]);
  await resource.ensure(recordedContext(), inputs, prior(inputs));
  expect(await found(inputs)).toEqual([one.build]);
  expect(readFileSync(program("one"), "utf8")).toBe("1");
});

test("a package that is not what it is said to be is an error", async () => {
  const inputs = await inputsOf([{ ...packageOf("one", "1"), build: "0".repeat(64) }]);
  await expect(resource.ensure(recordedContext(), inputs, undefined)).rejects.toThrow(
    /installing one.*expected was 0{64}/s,
  );
});

test("what dpkg says is in the error", async () => {
  const one = packageOf("one", "1");
  writeFileSync(one.source, "no package");
  const inputs = await inputsOf([one]);
  await expect(resource.ensure(recordedContext(), inputs, undefined)).rejects.toThrow(
    /dpkg-deb: error: .*archive/,
  );
});

test("the host's own apt is waited for while it has dpkg's lock", async () => {
  const one = packageOf("one", "1");
  const inputs = await inputsOf([one]);
  const dpkg = readFileSync(folder("bin/dpkg"), "utf8").split("\n").slice(1).join("\n");
  const busy = (n: number) => `n=$(cat '${folder("tries")}' 2>/dev/null || echo 0)
echo $((n + 1)) >'${folder("tries")}'
[ "$n" -ge ${n} ] || { echo 'dpkg: error: dpkg frontend lock was locked by another process with pid 7' >&2; exit 2; }`;
  standIns(folder("bin"), { dpkg: `${busy(3)}\n${dpkg}`, sleep: "exit 0" });
  await resource.ensure(recordedContext(), inputs, undefined);
  expect(readFileSync(folder("tries"), "utf8")).toBe("4\n");
  expect(await found(inputs)).toEqual([one.build]);
  // Not for ever.
  rmSync(folder("tries"));
  standIns(folder("bin"), { dpkg: `${busy(1000)}\n${dpkg}` });
  await expect(resource.delete(recordedContext(), prior(inputs))).rejects.toThrow(
    /frontend lock was locked by another process/,
  );
  expect(installed()).toBe("one ii \n");
});

test("what they need is brought by apt before, if it is missing", async () => {
  const inputs = await ensured([packageOf("one", "1")]);
  standIns(folder("bin"), {
    "apt-get": `echo "$*" >>'${folder("apt")}'`,
    uname: "echo 6.12.9-amd64",
  });
  const needing = (...needs: string[]) =>
    resource.ensure(recordedContext(), { ...inputs, needs }, prior(inputs));
  await needing("one");
  expect(existsSync(folder("apt"))).toBe(false);
  await needing("one", "dkms", "linux-headers");
  expect(readFileSync(folder("apt"), "utf8")).toMatch(
    /^install --yes .*--no-remove .* dkms linux-headers-6\.12\.9-amd64\n$/,
  );
  // What apt refuses is not gone on from.
  standIns(folder("bin"), { "apt-get": "echo 'E: no such package' >&2; exit 100" });
  await expect(needing("dkms")).rejects.toThrow(/no such package/);
});

test("packages that are not wanted any more are purged, and delete purges all, also twice", async () => {
  const [one, two] = [packageOf("one", "1"), packageOf("two", "1")];
  const inputs = await ensured([one, two]);
  const next = { ...inputs, packages: [two] };
  await resource.ensure(recordedContext(), next, prior(inputs));
  expect(installed()).toBe("two ii \n");
  expect(existsSync(program("one"))).toBe(false);
  await resource.delete(recordedContext(), prior(next));
  await resource.delete(recordedContext(), prior(next));
  expect(installed()).toBe("");
  expect(existsSync(program("two"))).toBe(false);
});
