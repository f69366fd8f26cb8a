/** A package of the distribution in one or more of the images. */
export interface DebianPackage {
  name: string;
  version: string;
  architecture?: string;
  /** Of its archive, hex, from the signed lists that it was taken from. */
  sha256?: string;
  /** Images that it is in. */
  images: string[];
}

const fieldOf = (stanza: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)$`, "m").exec(stanza)?.[1];

/** `name version` of what is installed: from lines of such, or from dpkg's own status file. */
export function installed(text: string): string[] {
  if (!text.startsWith("Package: ")) return text.split("\n").filter((line) => line !== "");
  return text
    .split("\n\n")
    .filter((stanza) => /^Status: .* installed$/m.test(stanza))
    .map((stanza) => `${fieldOf(stanza, "Package") ?? ""} ${fieldOf(stanza, "Version") ?? ""}`);
}

/**
 * The packages of all images, each once, by name and version.
 *
 * @param images name of an image to what {@link installed} reads
 * @param index text of the distribution's package lists (deb822)
 */
export function debianPackages(
  images: Readonly<Record<string, string>>,
  index: string,
): DebianPackage[] {
  const packages = new Map<string, DebianPackage>();
  for (const [image, text] of Object.entries(images)) {
    for (const line of installed(text)) {
      const [name = "", version = ""] = line.split(" ");
      const present = packages.get(line) ?? { name, version, images: [] };
      present.images.push(image);
      packages.set(line, present);
    }
  }
  // Stanza by stanza, as the lists are tens of megabytes and nearly all of it is about others.
  for (let start = 0; start < index.length;) {
    const gap = index.indexOf("\n\n", start);
    const end = gap < 0 ? index.length : gap;
    const stanza = index.slice(start, end);
    start = end + 2;
    const name = /^Package: (.*)$/m.exec(stanza.slice(0, 400))?.[1];
    if (name === undefined) continue;
    const found = packages.get(`${name} ${fieldOf(stanza, "Version") ?? ""}`);
    if (found === undefined) continue;
    const [sha256, architecture] = [fieldOf(stanza, "SHA256"), fieldOf(stanza, "Architecture")];
    if (sha256 !== undefined) found.sha256 = sha256;
    if (architecture !== undefined) found.architecture = architecture;
  }
  return [...packages.values()].sort((a, b) =>
    `${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1,
  );
}
