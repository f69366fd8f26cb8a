import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { describe, expect, test } from "vitest";
import { debianPackages, installed } from "../../../evaluation/sbom/debian.ts";
import { billOfMaterials, type Bill } from "../../../evaluation/sbom/document.ts";
import { npmPackages } from "../../../evaluation/sbom/npm.ts";
import { hostileText } from "../helpers/hostileText.ts";
import fc, { runs } from "../helpers/property.ts";

const PROJECT = join(import.meta.dirname, "../../..");

interface Component {
  type: string;
  group?: string;
  name: string;
  version?: string;
  purl?: string;
  scope?: string;
  "bom-ref"?: string;
  hashes?: { alg: string; content: string }[];
  licenses?: { license?: { id?: string; name?: string }; expression?: string }[];
  properties?: { name: string; value: string }[];
  components?: Component[];
}

const parsed = (text: string) =>
  JSON.parse(text) as {
    bomFormat: string;
    specVersion: string;
    metadata: { timestamp: string; component: Component };
    components: Component[];
  };

/** What is wrong with a document by the standard's own schema. */
const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);

const lock = JSON.stringify({
  packages: {
    "": { name: "project" },
    "node_modules/@a/b": {
      version: "1.0.0",
      integrity: `sha512-${Buffer.alloc(64, 7).toString("base64")}`,
      license: "MIT",
    },
    "node_modules/c": { version: "2.0.0", license: "(MIT OR Apache-2.0)", dev: true },
    "node_modules/@a/b/node_modules/c": { version: "2.0.0", license: "(MIT OR Apache-2.0)" },
    "node_modules/d": { version: "3.0.0", license: "SEE LICENSE IN d", optional: true },
  },
});

const index = `Package: libc6
Version: 2.41-12
Architecture: amd64
SHA256: ${"1".repeat(64)}

Package: libc6
Version: 2.40-1
Architecture: amd64
SHA256: ${"2".repeat(64)}

Package: base+files
Architecture: all
Version: 1:13~rc+1
SHA256: ${"3".repeat(64)}
`;

const bill: Bill = {
  version: "0.1.0",
  startedAt: "2026-01-02T03:04:05.000Z",
  suite: "trixie",
  npm: npmPackages(lock),
  debian: debianPackages(
    { host: "libc6 2.41-12\nbase+files 1:13~rc+1\n", buildroot: "libc6 2.41-12\nlost 1\n" },
    index,
  ),
  parts: [
    {
      name: "xen",
      version: "4.20",
      kind: "platform",
      licence: "GPL-2.0-only",
      sha256: "ab".repeat(32),
      sourcesSha256: "cd".repeat(32),
      files: { "xen.orig.tar.xz": "ef".repeat(32) },
    },
  ],
};

describe("a bill of materials", () => {
  const document = parsed(billOfMaterials(bill));
  const find = (name: string) => document.components.find((one) => one.name === name);

  test("is valid CycloneDX 1.6, and the same for the same parts", async () => {
    expect(await validator.validate(billOfMaterials(bill))).toBeNull();
    expect(document).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6" });
    expect(document.metadata.timestamp).toBe("2026-01-02T03:04:05.000Z");
    const shuffled = { ...bill, npm: [...bill.npm].reverse(), debian: [...bill.debian].reverse() };
    expect(billOfMaterials(shuffled)).toBe(billOfMaterials(bill));
  });

  test("names packages of npm once, with digest, licence, and whether they are needed to run", () => {
    expect(find("b")).toMatchObject({
      group: "@a",
      version: "1.0.0",
      purl: "pkg:npm/%40a/b@1.0.0",
      scope: "required",
      hashes: [{ alg: "SHA-512", content: "07".repeat(64) }],
      licenses: [{ license: { id: "MIT" } }],
    });
    expect(document.components.filter(({ name }) => name === "c")).toHaveLength(1);
    // One of the two is needed to run.
    expect(find("c")).toMatchObject({
      scope: "required",
      licenses: [{ expression: "(MIT OR Apache-2.0)" }],
    });
    expect(find("d")).toMatchObject({
      scope: "optional",
      licenses: [{ license: { name: "SEE LICENSE IN d" } }],
    });
  });

  test("names packages of Debian with the digest of the list for that very version, and their images", () => {
    expect(find("libc6")).toMatchObject({
      purl: "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie",
      scope: "required",
      hashes: [{ alg: "SHA-256", content: "1".repeat(64) }],
      properties: [
        { name: "v4v-testbed:image", value: "buildroot" },
        { name: "v4v-testbed:image", value: "host" },
      ],
    });
    expect(find("base+files")?.hashes?.[0]?.content).toBe("3".repeat(64));
    expect(find("lost")).toMatchObject({ version: "1", scope: "excluded" });
    expect(find("lost")?.hashes).toBeUndefined();
  });

  test("names what is made here with the digests of result and sources, and its files", () => {
    expect(find("xen")).toMatchObject({
      type: "platform",
      licenses: [{ license: { id: "GPL-2.0-only" } }],
      hashes: [{ alg: "SHA-256", content: "ab".repeat(32) }],
      properties: [{ name: "v4v-testbed:sources-sha256", value: "cd".repeat(32) }],
      components: [
        { type: "file", name: "xen.orig.tar.xz", hashes: [{ content: "ef".repeat(32) }] },
      ],
    });
  });

  test("has no two components of the same reference", () => {
    const references = document.components.flatMap((one) => one["bom-ref"] ?? []);
    expect(references.length).toBeGreaterThan(5);
    expect(new Set(references).size).toBe(references.length);
  });

  test("stays valid whatever packages and versions are called", async () => {
    await fc.assert(
      fc.asyncProperty(hostileText(), hostileText(), async (name, version) => {
        if (name.trim() === "") return;
        const text = billOfMaterials({
          ...bill,
          npm: [],
          debian: [{ name: `a${name}`, version, images: [name] }],
          parts: [{ name: `b${name}`, version, kind: "file", licence: `c${name}` }],
        });
        expect(await validator.validate(text)).toBeNull();
        expect(parsed(text).components.map((one) => one.name)).toEqual(
          expect.arrayContaining([`a${name}`, `b${name}`]),
        );
      }),
      { numRuns: runs(15, 500) },
    );
  });
});

test("the project's own lock file gives a valid bill, with a digest of every package", async () => {
  const npm = npmPackages(readFileSync(join(PROJECT, "package-lock.json"), "utf8"));
  const text = billOfMaterials({ ...bill, npm, debian: [], parts: [] });
  expect(await validator.validate(text)).toBeNull();
  const { components } = parsed(text);
  expect(components.length).toBeGreaterThan(300);
  expect(components.filter(({ hashes }) => hashes?.[0]?.content.length !== 128)).toEqual([]);
});

test("what dpkg has only half of is not installed", () => {
  const status = `Package: a
Status: install ok installed
Version: 1

Package: b
Status: deinstall ok config-files
Version: 2

Package: c
Status: hold ok installed
Version: 3:4
`;
  expect(installed(status)).toEqual(["a 1", "c 3:4"]);
  expect(installed("a 1\nc 3:4\n")).toEqual(["a 1", "c 3:4"]);
});
