import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import type { Prior, Properties } from "../../../../provider/resource.ts";
import { guestImageResource as image } from "../../../../provider/resources/guestImage.ts";
import { inputDiff } from "../../../../provider/rpc/values.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

const ROOT = "the content of a root file system\n".repeat(1000);
const prior = (inputs: Properties, outputs: Properties = {}): Prior => ({
  id: "x",
  inputs,
  outputs,
});
const checked = async (inputs: Properties) =>
  (await image.check?.(inputs, undefined))?.inputs ?? {};

/** A host with this computer's shell, and tar in the place of cpio, which not every computer has. */
async function world(): Promise<Properties> {
  const programs = standIns(folder("bin"), {
    cpio: "exec tar --no-recursion -cf - -T -",
    "make-initrd": `echo made >>'${folder("made")}'; echo initrd >"$1"`,
  });
  const { connection } = await farSide({ programs });
  writeFileSync(folder("root.ext4"), ROOT);
  execFileSync("zstd", ["-q", folder("root.ext4"), "-o", folder("root.ext4.zst")]);
  writeFileSync(folder("module"), "version 1");
  return checked({
    connection: { ...connection },
    incarnation: "1",
    folder: folder("far"),
    image: folder("root.ext4.zst"),
    imageSha256: createHash("sha256").update(ROOT).digest("hex"),
    makeInitrd: folder("bin/make-initrd"),
    makeInitrdSha256: "script 1",
    payload: [
      { path: "/usr/local/bin/hello", mode: "755", content: "#!/bin/sh\necho hello\n" },
      { path: "/usr/lib/module", mode: "644", source: folder("module") },
    ],
  });
}

const made = () => readFileSync(folder("made"), "utf8").split("\n").length - 1;

test("image, boot archive and payload are put in place, and named by what they are made of", async () => {
  const inputs = await world();
  const outputs = await image.ensure(recordedContext(), inputs, undefined);
  expect(readFileSync(folder("far/root.ext4"), "utf8")).toBe(ROOT);
  expect(readFileSync(folder("far/base.cpio"), "utf8")).toBe("initrd\n");
  const archived = execFileSync("tar", ["-tf", folder("far/payload.cpio")], { encoding: "utf8" });
  expect(archived).toContain("./payload/usr/local/bin/hello\n");
  expect(readFileSync(folder("far/payload/payload/usr/lib/module"), "utf8")).toBe("version 1");
  const kernel = execFileSync("uname", ["-r"], { encoding: "utf8" }).trim();
  expect(outputs).toEqual({
    bootDigest: `${inputs.imageSha256 as string} script 1 ${kernel}`,
    packedDigest: inputs.payloadDigest,
  });
  expect(existsSync(folder("far/upload.zst"))).toBe(false);
});

test("what is as it should be is neither sent nor made again", async () => {
  const inputs = await world();
  const outputs = await image.ensure(recordedContext(), inputs, undefined);
  rmSync(folder("root.ext4.zst"));
  const context = recordedContext();
  expect(await image.ensure(context, inputs, prior(inputs, outputs))).toEqual(outputs);
  expect(made()).toBe(1);
  expect(context.statuses).toEqual(["looking at the guest image"]);
});

test("a new payload is packed without touching what the domUs boot from", async () => {
  const inputs = await world();
  const before = await image.ensure(recordedContext(), inputs, undefined);
  writeFileSync(folder("module"), "version 2");
  const next = await checked(inputs);
  expect(inputDiff(prior(inputs), next, image).changed).toEqual(["payloadDigest"]);
  const after = await image.ensure(recordedContext(), next, prior(inputs, before));
  expect(after.bootDigest).toBe(before.bootDigest);
  expect(after.packedDigest).not.toBe(before.packedDigest);
  expect(readFileSync(folder("far/payload/payload/usr/lib/module"), "utf8")).toBe("version 2");
  expect(made()).toBe(1);
});

test("of a new payload only what differs is sent, and what it has no more is gone", async () => {
  const inputs = await world();
  const before = await image.ensure(recordedContext(), inputs, undefined);
  const there = folder("far/payload/payload/usr/local/bin/hello");
  writeFileSync(folder("module"), "version 2");
  const [hello] = inputs.payload as Properties[];
  const other = { path: "/etc/other", mode: "644", content: "other" };
  const next = await checked({ ...inputs, payload: [other, { ...hello, path: "/usr/bin/hello" }] });
  await image.ensure(recordedContext(), next, prior(inputs, before));
  const packed = execFileSync("tar", ["-tf", folder("far/payload.cpio")], { encoding: "utf8" });
  expect(
    packed
      .split("\n")
      .filter((line) => !line.endsWith("/"))
      .sort(),
  ).toEqual([
    "",
    "./payload/etc/other",
    "./payload/etc/v4v/payload.digest",
    "./payload/usr/bin/hello",
  ]);
  expect(existsSync(there)).toBe(false);
  expect(existsSync(folder("far/payload.files"))).toBe(false);
});

test("another script makes another boot archive", async () => {
  const inputs = await world();
  await image.ensure(recordedContext(), inputs, undefined);
  const next = { ...inputs, makeInitrdSha256: "script 2" };
  const { bootDigest } = await image.ensure(recordedContext(), next, prior(inputs));
  expect(bootDigest).toContain(" script 2 ");
  expect(made()).toBe(2);
});

test("further modules are in the boot archive, and make it another one", async () => {
  const inputs = await world();
  writeFileSync(folder("bin/make-initrd"), '#!/bin/sh\nshift 2; echo "$*" >base.cpio\n');
  const next = { ...inputs, modules: ["xen-pcifront", "another"] };
  const { bootDigest } = await image.ensure(recordedContext(), next, undefined);
  expect(bootDigest).toContain(" script 1 xen-pcifront another ");
  expect(readFileSync(folder("far/base.cpio"), "utf8")).toBe("xen-pcifront another\n");
  const context = recordedContext();
  await image.ensure(context, next, undefined);
  expect(context.statuses).toEqual(["looking at the guest image"]);
});

test("an HVM domain's kernel is the one that boot loaders take, and makes it another image", async () => {
  const inputs = await world();
  writeFileSync(folder("bin/make-initrd"), '#!/bin/sh\necho plain >"$2"; echo >"$1"\n');
  const { bootDigest } = await image.ensure(recordedContext(), inputs, undefined);
  expect(readFileSync(folder("far/kernel"), "utf8")).toBe("plain\n");
  const release = execFileSync("uname", ["-r"], { encoding: "utf8" }).trim();
  mkdirSync(folder("boot"));
  writeFileSync(folder(`boot/vmlinuz-${release}`), "packed\n");
  const next = { ...inputs, packedKernels: folder("boot") };
  const packed = await image.ensure(recordedContext(), next, prior(inputs));
  expect(readFileSync(folder("far/kernel"), "utf8")).toBe("packed\n");
  expect(packed.bootDigest).not.toBe(bootDigest);
});

test("an image that is not what was built is refused, and nobody boots from it", async () => {
  const inputs = { ...(await world()), imageSha256: "0".repeat(64) };
  await expect(image.ensure(recordedContext(), inputs, undefined)).rejects.toThrow(
    "the image arrived damaged",
  );
  expect(existsSync(folder("far/root.ext4"))).toBe(false);
});

test("an interrupted change of the image is seen and mended", async () => {
  const inputs = await world();
  await image.ensure(recordedContext(), inputs, undefined);
  rmSync(folder("far/root.ext4.sha256"));
  writeFileSync(folder("far/root.ext4"), "half");
  await image.ensure(recordedContext(), inputs, prior(inputs));
  expect(readFileSync(folder("far/root.ext4"), "utf8")).toBe(ROOT);
});

test("read tells what lies there now", async () => {
  const inputs = await world();
  const outputs = await image.ensure(recordedContext(), inputs, undefined);
  const read = async () =>
    (await image.read(recordedContext(), prior(inputs, outputs)))?.inputs ?? {};
  expect(inputDiff(prior(inputs), await read(), image).changed).toEqual([]);
  writeFileSync(folder("far/payload/payload/etc/v4v/payload.digest"), "other\n");
  expect(inputDiff(prior(inputs), await read(), image).changed).toEqual(["payloadDigest"]);
  rmSync(folder("far"), { recursive: true });
  expect(inputDiff(prior(inputs), await read(), image).changed).toEqual([
    "imageSha256",
    "payloadDigest",
  ]);
});

test("a damaged image is not mistaken for a payload: each is read by itself", async () => {
  const inputs = await world();
  await image.ensure(recordedContext(), inputs, undefined);
  rmSync(folder("far/root.ext4"));
  const { inputs: read = {} } = (await image.read(recordedContext(), prior(inputs))) ?? {};
  expect(inputDiff(prior(inputs), read, image).changed).toEqual(["imageSha256"]);
});

test("delete removes the folder, also when it is gone", async () => {
  const inputs = await world();
  await image.ensure(recordedContext(), inputs, undefined);
  await image.delete(recordedContext(), prior(inputs));
  await image.delete(recordedContext(), prior(inputs));
  expect(existsSync(folder("far"))).toBe(false);
  expect(existsSync(folder("root.ext4"))).toBe(true);
});
