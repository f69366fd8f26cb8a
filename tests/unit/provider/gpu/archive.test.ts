import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { checkArchive, filled, type RemoteGpuProduct } from "../../../../provider/gpu/archive.ts";
import rcuda from "../../../../provider/gpu/rcuda.json" with { type: "json" };
import { useFolder } from "../../helpers/folder.ts";

const folder = useFolder();
const product: RemoteGpuProduct = rcuda;

/** A small program for this computer. */
const PROGRAM = "/bin/sh";

const TOP = "rCUDAv20.07-CUDA9.0-linux64";

/** What the double says it is, to people and to programs. */
const DOUBLE = "double of rCUDA for a test: holds nothing of it";

/** Files that a double has: any program for this computer stands for the server. */
function lay(top = TOP): void {
  mkdirSync(folder("tree", top, "bin"), { recursive: true });
  mkdirSync(folder("tree", top, "lib"), { recursive: true });
  copyFileSync(PROGRAM, folder("tree", top, "bin/rCUDAd"));
  chmodSync(folder("tree", top, "bin/rCUDAd"), 0o755);
  for (const name of ["README", "lib/libcudart.so.9.0", "lib/libcublas.so.9.0"])
    writeFileSync(folder("tree", top, name), `${DOUBLE}\n`);
}

function pack(
  options: string[] = ["-z"],
  names: string[] = ["."],
): { path: string; sha256: string } {
  const path = folder("archive.tgz");
  execFileSync("tar", ["-c", ...options, "-f", path, "-C", folder("tree"), ...names]);
  return { path, sha256: createHash("sha256").update(readFileSync(path)).digest("hex") };
}

const check = (archive: { path: string; sha256: string } | undefined) =>
  checkArchive(product, archive);
const problemsOf = async (archive: { path: string; sha256: string } | undefined) =>
  (await check(archive)).problems;

test.each([
  ["gzip", ["-z"]],
  ["xz", ["-J"]],
  ["nothing", []],
])("an archive packed by %s that has what it should is taken", async (_how, options) => {
  lay();
  expect(await check(pack(options))).toEqual({ folder: TOP, problems: [] });
  expect(await check(pack(options, [TOP]))).toEqual({ folder: TOP, problems: [] });
});

test("without one it is said how one gets it", async () => {
  expect(await problemsOf(undefined)).toEqual([
    "remoteGpu.rcuda.archive: there is no archive of rCUDA. rCUDA is not open: its authors hand out archives on request; name its path and SHA-256",
  ]);
});

describe("refused before it is opened:", () => {
  const digest = "0".repeat(64);
  test.each([
    ["a relative path", { path: "rcuda.tgz", sha256: digest }, /rcuda.tgz is not an absolute path/],
    ["a digest that is none", { path: "/x", sha256: "abc" }, /"abc" is not a SHA-256/],
    ["a digest in capitals", { path: "/x", sha256: "A".repeat(64) }, /is not a SHA-256/],
    ["no file", { path: "/nowhere/r.tgz", sha256: digest }, /does not exist. rCUDA is not open/],
    ["a folder", { path: dirname(PROGRAM), sha256: digest }, /is not a file/],
  ])("%s", async (_what, archive, sentence) => {
    expect(await problemsOf(archive)).toEqual([expect.stringMatching(sentence)]);
  });

  test("another digest, however good the archive", async () => {
    lay();
    const { path, sha256 } = pack();
    expect(await problemsOf({ path, sha256: digest })).toEqual([
      `remoteGpu.rcuda.archive: the SHA-256 of ${path} is ${sha256}, not ${digest}: it is another archive, or damaged; compare with what its authors say`,
    ]);
  });
});

test("what is no archive", async () => {
  writeFileSync(folder("archive.tgz"), "a page that says: please log in\n");
  const sha256 = createHash("sha256")
    .update(readFileSync(folder("archive.tgz")))
    .digest("hex");
  expect(await problemsOf({ path: folder("archive.tgz"), sha256 })).toEqual([
    expect.stringMatching(/is not an archive that tar reads: /),
  ]);
});

test("one that was cut off", async () => {
  lay();
  const { path } = pack([]);
  const bytes = readFileSync(path).subarray(0, 50_000);
  writeFileSync(path, bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  expect(await problemsOf({ path, sha256 })).toEqual([
    expect.stringMatching(/is not an archive that tar reads: /),
  ]);
});

describe("a layout that is not rCUDA's:", () => {
  const cases: [string, () => void, RegExp[]][] = [
    [
      "no server",
      () => {
        rmSync(folder("tree", TOP, "bin/rCUDAd"));
      },
      [/rCUDAd is missing$/],
    ],
    [
      "a server that is not executable",
      () => {
        chmodSync(folder("tree", TOP, "bin/rCUDAd"), 0o644);
      },
      [/rCUDAd is not executable$/],
    ],
    [
      "a server for another machine",
      () => {
        const header = Buffer.from(readFileSync(PROGRAM).subarray(0, 64));
        header.writeUInt16LE(183, 18);
        writeFileSync(folder("tree", TOP, "bin/rCUDAd"), header);
      },
      [/rCUDAd is no program for 64-bit x86$/],
    ],
    [
      "a server that is a script",
      () => {
        writeFileSync(folder("tree", TOP, "bin/rCUDAd"), "#!/bin/sh\n");
      },
      [/rCUDAd is no program for 64-bit x86$/],
    ],
    [
      "no libraries",
      () => {
        rmSync(folder("tree", TOP, "lib"), { recursive: true });
      },
      [/has no file like .*libcudart/, /has no file like .*ublas/],
    ],
    [
      "a second folder",
      () => {
        mkdirSync(folder("tree/other"));
      },
      [/should be one folder rCUDAv<version>-CUDA<version>-linux64, there is: .*other/],
    ],
  ];
  test.each(cases)("%s", async (_what, change, sentences) => {
    lay();
    change();
    const problems = await problemsOf(pack());
    expect(problems).toHaveLength(sentences.length);
    sentences.forEach((sentence, i) => {
      expect(problems[i]).toMatch(sentence);
    });
  });

  test.each(["rCUDA", "CUDA-9.0", "rCUDAv20.07-CUDA9.0-linux32", "xrCUDAv1-CUDA1-linux64"])(
    "a folder called %s",
    async (top) => {
      lay(top);
      expect(await problemsOf(pack())).toEqual([
        expect.stringContaining(`there is: ${top}`) as unknown,
      ]);
    },
  );
});

describe("one that would do harm when unpacked:", () => {
  test("a path outside", async () => {
    lay();
    const transformed = pack(["-z", "--transform", "s,README,../../../etc/evil,"], [TOP]);
    expect(await problemsOf(transformed)).toEqual([
      expect.stringMatching(/evil would be unpacked outside of its folder$/),
    ]);
  });

  test("an absolute path", async () => {
    lay();
    const absolute = pack(["-z", "-P", "--transform", `s,${TOP}/README,/etc/evil,`], [TOP]);
    expect(await problemsOf(absolute)).toEqual([
      expect.stringMatching(/\/etc\/evil would be unpacked outside of its folder$/),
    ]);
  });

  test("a pipe", async () => {
    lay();
    execFileSync("mkfifo", [folder("tree", TOP, "pipe")]);
    expect(await problemsOf(pack())).toEqual([
      expect.stringMatching(/pipe is neither file, folder nor link$/),
    ]);
  });
});

test("the description starts both ends with what a testbed has", () => {
  const values = { folder: "/opt/rcuda", server: "10.83.0.10", port: 8308 };
  expect(product.server.command.map((word) => filled(word, values))).toEqual([
    "/opt/rcuda/bin/rCUDAd",
    "-i",
    "-p",
    "8308",
  ]);
  expect(
    Object.fromEntries(
      Object.entries(product.client.environment).map(([name, text]) => [
        name,
        filled(text, values),
      ]),
    ),
  ).toEqual({ RCUDA_DEVICE_COUNT: "1", RCUDA_DEVICE_0: "10.83.0.10@8308:0" });
  expect(product.client.libraryPath.map((text) => filled(text, values))).toEqual([
    "/opt/rcuda/lib",
  ]);
  expect(() => filled("{server}", { folder: "/x" })).toThrow("nothing to put for {server}");
});
