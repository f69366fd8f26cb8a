import { basename } from "node:path";
import { DPKG } from "../existing/dpkg.ts";
import { missing, typed } from "../inputs.ts";
import type { Context, Prior, Properties, Resource } from "../resource.ts";
import { within } from "../host/within.ts";
import { RemoteFailure } from "../ssh/errors.ts";
import { Remote } from "../ssh/remote.ts";
import type { Connection } from "../ssh/target.ts";

/** A Debian package of the controller, for a host. */
export interface RemotePackage {
  name: string;
  /** The .deb. */
  source: string;
  /** Which build it is (recipes/debian/package.sh); after a refresh, what was found instead. */
  build: string;
}

/** Inputs of `v4v:index:Packages`. */
export interface PackagesInputs {
  connection: Connection;
  packages: RemotePackage[];
  /** Another value makes `ensure` look again (boot id, incarnation). */
  incarnation: string;
  /**
   * Debian's packages that these need, brought by apt where they are missing; they stay. `linux-headers` are those of the kernel
   * that runs.
   */
  needs?: string[];
  /** Shell script to run on the host after something was installed: fails if it is not in force. */
  then?: string;
}

/** Where they lie on the host while they are installed. */
const FOLDER = "/var/tmp/v4v-testbed-packages";

/**
 * A line a package: name, and which build is installed by dpkg's records if the files are as dpkg put them. Documentation is
 * not looked at: images are made without. Few processes: under emulation each costs tens of milliseconds.
 */
const LOOK = `
nl='
'
all=$nl$(dpkg-query -W -f '\${Package} \${db:Status-Abbrev}\${Version}\\n' "$@" 2>/dev/null || :)
for name; do
  found=\${all#*"$nl$name ii "}
  if [ "$found" = "$all" ]; then
    echo "$name absent"
    continue
  fi
  info=\${DPKG_ADMINDIR:-/var/lib/dpkg}/info/$name
  if ! sed '/  usr\\/share\\/doc\\//d' "$info.md5sums" | (cd "\${DPKG_ROOT:-/}" && md5sum --check --status 2>/dev/null); then
    echo "$name changed"
    continue
  fi
  build=$({
    echo "\${found%%"$nl"*}"
    cat "$info.md5sums" "$info.postinst" "$info.prerm" "$info.postrm" 2>/dev/null || :
  } | sha256sum)
  echo "$name \${build%% *}"
done`;

const INSTALL = `${DPKG}
dpkg_alone --install "$@"`;

const BRING = `
missing=
for package; do
  [ "$package" != linux-headers ] || package=linux-headers-$(uname -r)
  [ "$(dpkg-query -W -f '\${db:Status-Status}' "$package" 2>/dev/null || :)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --quiet --no-install-recommends --no-remove \\
  -o DPkg::Lock::Timeout=600 $missing >&2`;

const PURGE = `${DPKG}
dpkg_alone --purge "$@"`;

const CLEAR = 'rm -rf -- "$1"';

async function look(remote: Remote, packages: readonly RemotePackage[]) {
  const names = packages.map(({ name }) => name);
  const said = await remote.run("looking at packages", LOOK, ...names);
  return new Map(
    said.split("\n").map((line): [string, string] => {
      const [name = "", build = ""] = line.split(" ");
      return [name, build];
    }),
  );
}

/**
 * Installs those packages that are not there as they should be.
 *
 * @returns whether anything was installed
 */
export async function installPackages(
  remote: Remote,
  packages: readonly RemotePackage[],
  say: (text: string) => void,
): Promise<boolean> {
  const before = await look(remote, packages);
  const lacking = packages.filter(({ name, build }) => before.get(name) !== build);
  if (lacking.length === 0) return false;
  const names = lacking.map(({ name }) => name).join(", ");
  say(`installing ${names}`);
  const files = lacking.map(({ source }) => ({
    path: `${FOLDER}/${basename(source)}`,
    mode: 0o600,
    source,
  }));
  await remote.place(files);
  const paths = files.map(({ path }) => path);
  await remote.run(`installing ${names}`, INSTALL, ...paths);
  const after = await look(remote, lacking);
  for (const { name, build } of lacking) {
    if (after.get(name) === build) continue;
    throw new RemoteFailure(
      `installing ${name}`,
      remote.name,
      1,
      `dpkg has "${after.get(name) ?? ""}" of it, expected was ${build}`,
    );
  }
  await remote.run("clearing what was installed", CLEAR, FOLDER);
  return true;
}

/** The project's own Debian packages on a host: installed by dpkg, looked at by its records, purged when they go. */
export const packagesResource: Resource = {
  deadlines: { create: 600, update: 600, delete: 300 },

  id: (inputs) => `packages@${typed<PackagesInputs>(inputs).connection.host}`,

  check: (inputs) =>
    Promise.resolve({ inputs, failures: missing(inputs, ["connection", "packages"]) }),

  async ensure(
    context: Context,
    properties: Properties,
    prior: Prior | undefined,
  ): Promise<Properties> {
    const inputs = typed<PackagesInputs>(properties);
    const remote = new Remote(inputs.connection, context.signal);
    const wanted = new Set(inputs.packages.map(({ name }) => name));
    const before = prior === undefined ? [] : typed<PackagesInputs>(prior.inputs).packages;
    const dropped = before.map(({ name }) => name).filter((name) => !wanted.has(name));
    if (dropped.length > 0) await remote.run("purging what is no longer wanted", PURGE, ...dropped);
    const { needs = [] } = inputs;
    if (needs.length > 0) {
      context.status(`bringing what they need: ${needs.join(", ")}`);
      await remote.run("bringing what the packages need", BRING, ...needs);
    }
    context.status("looking at packages");
    const changed = await installPackages(remote, inputs.packages, (text) => {
      context.status(text);
    });
    if (changed && inputs.then !== undefined)
      await remote.run("applying the packages", inputs.then);
    return {};
  },

  async read(context: Context, prior: Prior) {
    const inputs = typed<PackagesInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, within(context.signal, 20));
    const found = await look(remote, inputs.packages);
    const packages = inputs.packages.map((one) => ({
      ...one,
      build: found.get(one.name) ?? "absent",
    }));
    return { inputs: { ...prior.inputs, packages }, outputs: prior.outputs };
  },

  async delete(context: Context, prior: Prior): Promise<void> {
    const inputs = typed<PackagesInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, context.signal);
    const names = inputs.packages.map(({ name }) => name);
    await remote.run(`purging ${names.join(", ")}`, PURGE, ...names);
    await remote.run("clearing what was sent", CLEAR, FOLDER);
  },
};
