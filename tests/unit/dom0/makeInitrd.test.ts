import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { useFolder } from "../helpers/folder.ts";

const folder = useFolder();

const MODULES = ["xen-blkfront", "ext4", "overlay", "vsock", "tcp_diag"];

/** Runs dom0/make-initrd where a kernel has these modules, and others in itself. */
function run(modules: readonly string[], builtin: readonly string[] = []) {
  const programs = folder("programs");
  mkdirSync(programs);
  const program = (name: string, body: string) => {
    writeFileSync(join(programs, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  };
  for (const name of modules) writeFileSync(folder(`${name}.ko`), name);
  program("uname", "echo 0-none");
  program("busybox", "");
  program("cpio", "exec cat");
  program(
    "modprobe",
    `for name; do :; done
case " ${builtin.join(" ")} " in *" $name "*) echo "builtin $name" ;; esac
[ ! -e "${folder()}/$name.ko" ] || echo "insmod ${folder()}/$name.ko"`,
  );
  const script = join(import.meta.dirname, "../../../dom0/make-initrd");
  const output = folder("base.cpio");
  const { stderr } = spawnSync("/bin/sh", [script, output, folder("kernel")], {
    encoding: "utf8",
    env: { ...process.env, PATH: [programs, process.env.PATH].join(delimiter) },
  });
  return { stderr, packed: existsSync(output) };
}

test.each(MODULES)("a kernel without %s makes no archive", (missing) => {
  const { stderr, packed } = run(MODULES.filter((name) => name !== missing));
  expect(stderr).toBe(`make-initrd: module ${missing} of kernel 0-none was not found\n`);
  expect(packed).toBe(false);
});

// There is no such kernel to be unpacked behind it.
test("modules that are in the kernel itself are not missing", () => {
  const { stderr, packed } = run(MODULES.slice(1), MODULES.slice(0, 1));
  expect(stderr).not.toContain("was not found");
  expect(packed).toBe(true);
});
