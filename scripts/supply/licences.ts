import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import satisfies from "spdx-satisfies";
import { sha256 } from "../../evaluation/hash.ts";
import { npmPackages, type NpmPackage } from "../../evaluation/sbom/npm.ts";

/**
 * Licences (SPDX) under which a package may be used by this project, which is MIT and gives none of them on: permissive
 * ones, those of data and fonts, and MPL-2.0, whose duties are about changed files of its own.
 */
export const ACCEPTED: readonly string[] = [
  ...["MIT", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "BlueOak-1.0.0"],
  ...["Unlicense", "CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "Python-2.0", "MPL-2.0"],
];

/** Packages that name their licence in a file only: what it says, and SHA-256 of the file that was read for it. */
const READ: Record<string, { licence: string; sha256: string }> = {
  "@logdna/tail-file": {
    licence: "MIT",
    sha256: "fd62169c5dd8e2cd06dcb3e8c38f8819b3d3f8f6fc9bda4434639fe0b7c07c2d",
  },
  // Fonts: Bitstream Vera's terms, changes in the public domain.
  "dejavu-fonts-ttf": {
    licence: "Bitstream-Vera",
    sha256: "7a083b136e64d064794c3419751e5c7dd10d2f64c108fe5ba161eae5e5958a93",
  },
};

/** Older packages have a list of objects. */
interface Described {
  license?: string | { type?: string };
  licenses?: (string | { type?: string })[];
}

function written(project: string, { path, licence }: NpmPackage): string | undefined {
  const file = join(project, path, "package.json");
  if (!existsSync(file)) return licence;
  const { license, licenses = [] } = JSON.parse(readFileSync(file, "utf8")) as Described;
  const names = [license, ...licenses]
    .map((one) => (typeof one === "string" ? one : one?.type))
    .filter((one) => one !== undefined);
  return names.length === 0 ? licence : names.join(" OR ");
}

/** What is wrong with a package's licence; undefined if nothing is. */
function problem(project: string, entry: NpmPackage): string | undefined {
  const read = READ[entry.name];
  if (read !== undefined) {
    const file = join(project, entry.path, "LICENSE");
    const text = existsSync(file) ? readFileSync(file) : undefined;
    if (text === undefined) return "has no file LICENSE any more; say under what it is now";
    const changed = sha256(text) !== read.sha256;
    return changed ? `has another LICENSE than the one that was read (${read.licence})` : undefined;
  }
  const licence = written(project, entry);
  if (licence === undefined) return "names no licence";
  try {
    return satisfies(licence, [...ACCEPTED]) ? undefined : `is under ${licence}`;
  } catch {
    return `names its licence in words of its own: ${licence}`;
  }
}

/** One line for each package of the lock file that may not be used, and how many were looked at. */
export function licenceProblems(project: string): { looked: number; problems: string[] } {
  const packages = npmPackages(readFileSync(join(project, "package-lock.json"), "utf8"));
  return {
    looked: packages.length,
    problems: packages.flatMap((entry) => {
      const found = problem(project, entry);
      return found === undefined ? [] : [`${entry.name} ${entry.version} ${found}`];
    }),
  };
}
