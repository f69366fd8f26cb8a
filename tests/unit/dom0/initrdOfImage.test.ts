import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { useFolder } from "../helpers/folder.ts";

const folder = useFolder();

const PATH = ["/usr/sbin", "/sbin", process.env.PATH ?? ""].join(delimiter);

/** A root image, with a busybox that is known by what is in it, or without one. */
function image(path: string, busybox?: string): void {
  const root = folder("root");
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  mkdirSync(join(path, ".."), { recursive: true });
  if (busybox !== undefined) writeFileSync(join(root, "usr/bin/busybox"), busybox);
  execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", root, path, "4096"], {
    env: { ...process.env, PATH },
  });
  execFileSync("rm", ["-r", root]);
}

/** Runs dom0/make-initrd-of-image beside a make-initrd that says which busybox it finds, and what it was told. */
function run(output: string) {
  const library = folder("library");
  mkdirSync(library);
  const script = join(library, "make-initrd-of-image");
  copyFileSync(join(import.meta.dirname, "../../../dom0/make-initrd-of-image"), script);
  const next = '#!/bin/sh\ncat "$(command -v busybox)"\necho "$*"\n';
  writeFileSync(join(library, "make-initrd"), next, { mode: 0o755 });
  const args = [script, output, "/kernel", "drm"];
  return spawnSync("/bin/sh", args, { encoding: "utf8", env: { ...process.env, PATH } });
}

test("busybox is that of the image beside the archive", () => {
  image(folder("testbed/root.ext4"), "domUs'\n");
  const output = folder("testbed/base.cpio");
  expect(run(output)).toMatchObject({ status: 0, stdout: `domUs'\n${output} /kernel drm\n` });
});

test("the GPU domU's image has none: it is the domUs', in the folder above", () => {
  image(folder("testbed/root.ext4"), "domUs'\n");
  image(folder("testbed/gpu-image/root.ext4"));
  const output = folder("testbed/gpu-image/base.cpio");
  expect(run(output)).toMatchObject({ status: 0, stdout: `domUs'\n${output} /kernel drm\n` });
});

test("without any it says so", () => {
  image(folder("testbed/root.ext4"));
  expect(run(folder("testbed/base.cpio"))).toMatchObject({
    status: 1,
    stderr: "make-initrd-of-image: the domUs' image has no busybox\n",
  });
});
