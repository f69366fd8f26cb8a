/** A package that package-lock.json names. */
export interface NpmPackage {
  /** Folder below the project: `node_modules/a/node_modules/b`. */
  path: string;
  name: string;
  version: string;
  /** Subresource integrity of its archive: `sha512-BASE64`. */
  integrity?: string;
  /** What its author wrote, mostly an SPDX expression. */
  licence?: string;
  /** Needed to work on the project, not to run it. */
  dev: boolean;
  /** Binaries for one system, of which each computer gets one. */
  optional: boolean;
}

interface LockEntry {
  version?: string;
  integrity?: string;
  license?: string;
  dev?: boolean;
  optional?: boolean;
  devOptional?: boolean;
}

/** The packages of a lock file (version 3), the project itself not among them. */
export function npmPackages(lock: string): NpmPackage[] {
  const { packages = {} } = JSON.parse(lock) as { packages?: Record<string, LockEntry> };
  return Object.entries(packages)
    .filter(([path]) => path !== "")
    .map(([path, { version = "", integrity, license, dev, optional, devOptional }]) => ({
      path,
      name: path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
      version,
      ...(integrity !== undefined && { integrity }),
      ...(license !== undefined && { licence: license }),
      dev: dev === true || devOptional === true,
      optional: optional === true || devOptional === true,
    }));
}
