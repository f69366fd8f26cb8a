import { Contrib, Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { PackageURL } from "packageurl-js";
import parseExpression from "spdx-expression-parse";
import type { DebianPackage } from "./debian.ts";
import type { NpmPackage } from "./npm.ts";

/** Something that this project makes, or takes as it is from the controller. */
export interface Part {
  name: string;
  version: string;
  kind: "application" | "platform" | "device-driver" | "file" | "library";
  /** SPDX. */
  licence?: string;
  /** Of its bytes, hex. */
  sha256?: string;
  /** Of the sources of this project that it is made from (provider/build/key.ts), hex. */
  sourcesSha256?: string;
  /** Package URL, where a distribution has given it one. */
  purl?: string;
  /** Files that it consists of: path to SHA-256. */
  files?: Readonly<Record<string, string>>;
}

/** Everything of which a run was made. */
export interface Bill {
  version: string;
  /** RFC 3339, UTC. */
  startedAt: string;
  /** The distribution's name for its release: `trixie`. */
  suite: string;
  npm: readonly NpmPackage[];
  debian: readonly DebianPackage[];
  parts: readonly Part[];
}

/** Images that are used to build and are in no machine. */
const BUILD_ONLY = ["buildroot"];

const licences = new Contrib.License.Factories.LicenseFactory((text) => {
  parseExpression(text);
});

type Details = Models.OptionalComponentProperties;

/** A reference of its own making would be another one each time. */
function component(type: Enums.ComponentType, name: string, details: Details) {
  return new Models.Component(type, name, {
    bomRef: details.purl ?? `v4v-testbed:${name}`,
    ...details,
  });
}

const licensed = (text: string | undefined): Models.LicenseRepository =>
  new Models.LicenseRepository(text === undefined ? [] : [licences.makeFromString(text)]);

const sha256 = (hex: string | undefined): Models.HashDictionary =>
  new Models.HashDictionary(hex === undefined ? [] : [[Enums.HashAlgorithm["SHA-256"], hex]]);

const property = (name: string, value: string): Models.Property =>
  new Models.Property(`v4v-testbed:${name}`, value);

function npmComponent({ name, version, integrity, licence, dev, optional }: NpmPackage) {
  const [, scope, bare = name] = /^(@[^/]+)\/(.+)$/.exec(name) ?? [];
  const purl = new PackageURL("npm", scope, bare, version, undefined, undefined);
  const base64 = /^sha512-(\S+)$/.exec(integrity ?? "")?.[1];
  const hex = base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("hex");
  return component(Enums.ComponentType.Library, bare, {
    ...(scope !== undefined && { group: scope }),
    version,
    purl: purl.toString(),
    licenses: licensed(licence),
    hashes: new Models.HashDictionary(
      hex === undefined ? [] : [[Enums.HashAlgorithm["SHA-512"], hex]],
    ),
    scope: dev
      ? Enums.ComponentScope.Excluded
      : optional
        ? Enums.ComponentScope.Optional
        : Enums.ComponentScope.Required,
  });
}

function debianComponent(entry: DebianPackage, suite: string) {
  const { name, version, architecture, images } = entry;
  const qualifiers = { ...(architecture !== undefined && { arch: architecture }), distro: suite };
  const purl = new PackageURL("deb", "debian", name, version, qualifiers, undefined);
  const built = images.every((image) => BUILD_ONLY.includes(image));
  return component(Enums.ComponentType.Library, name, {
    version,
    purl: purl.toString(),
    hashes: sha256(entry.sha256),
    scope: built ? Enums.ComponentScope.Excluded : Enums.ComponentScope.Required,
    properties: new Models.PropertyRepository(images.map((image) => property("image", image))),
  });
}

function partComponent(part: Part) {
  const { name, version, kind, licence, purl, sourcesSha256, files = {} } = part;
  const types = {
    application: Enums.ComponentType.Application,
    platform: Enums.ComponentType.Platform,
    "device-driver": Enums.ComponentType.DeviceDriver,
    file: Enums.ComponentType.File,
    library: Enums.ComponentType.Library,
  };
  return component(types[kind], name, {
    version,
    ...(purl !== undefined && { purl }),
    licenses: licensed(licence),
    hashes: sha256(part.sha256),
    properties: new Models.PropertyRepository(
      sourcesSha256 === undefined ? [] : [property("sources-sha256", sourcesSha256)],
    ),
    components: new Models.ComponentRepository(
      Object.entries(files).map(([path, hex]) =>
        component(Enums.ComponentType.File, path, {
          hashes: sha256(hex),
          bomRef: `v4v-testbed:${name}/${path}`,
        }),
      ),
    ),
  });
}

/** A software bill of materials, CycloneDX 1.6 in JSON; the same bill gives the same bytes. */
export function billOfMaterials(bill: Bill): string {
  // A package may lie in several places of node_modules; it is one component.
  const npm = new Map<string, Models.Component>();
  // What is needed to run goes before what is needed to work on it.
  for (const entry of [...bill.npm].sort((a, b) => Number(a.dev) - Number(b.dev))) {
    const made = npmComponent(entry);
    if (made.purl !== undefined && !npm.has(made.purl)) npm.set(made.purl, made);
  }
  const document = new Models.Bom({
    metadata: new Models.Metadata({
      timestamp: new Date(bill.startedAt),
      component: component(Enums.ComponentType.Application, "v4vsockets-testbed", {
        version: bill.version,
        bomRef: "v4vsockets-testbed",
        licenses: licensed("MIT AND GPL-2.0-only"),
      }),
    }),
    components: new Models.ComponentRepository([
      ...npm.values(),
      ...bill.debian.map((entry) => debianComponent(entry, bill.suite)),
      ...bill.parts.map(partComponent),
    ]),
  });
  const { Factory } = Serialize.JSON.Normalize;
  const serializer = new Serialize.JsonSerializer(new Factory(Spec.Spec1dot6));
  return `${serializer.serialize(document, { sortLists: true, space: 1 })}\n`;
}
