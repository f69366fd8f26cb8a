import { createHash } from "node:crypto";
import { missing, typed } from "../inputs.ts";
import type { Context, Prior, Properties, Resource } from "../resource.ts";
import { Remote, sha256File } from "../ssh/remote.ts";
import type { Connection } from "../ssh/target.ts";
import {
  archiveDigest,
  bootDigest,
  FREE_LOOP,
  placeRoot,
  type GuestRoot,
} from "../xen/guestRoot.ts";
import { placeFiles, type RemoteFile } from "./files.ts";
import { within } from "../host/within.ts";

/** Inputs of `v4v:index:GuestImage`. */
export interface GuestImageInputs extends GuestRoot {
  connection: Connection;
  incarnation: string;
  /** Files of the controller that every domU gets on top of the image; paths are the domU's. */
  payload: RemoteFile[];
  /** Filled in by check: SHA-256 over the payload. */
  payloadDigest?: string;
}

export interface GuestImageOutputs {
  /** Name of what the domains boot from: another one means another image or boot archive. */
  bootDigest: string;
  /** Name of what lies on top; running domains are brought up to date without a restart. */
  packedDigest: string;
}

/** One exchange that tells whether anything is to be done: digest of the payload, then what {@link bootDigest} is of. */
const LOOK = `
cd "$1" 2>/dev/null || exit 0
cat payload/payload/etc/v4v/payload.digest 2>/dev/null || echo absent
[ -e root.ext4 ] && cat root.ext4.sha256 2>/dev/null || echo absent
cat base.cpio.made 2>/dev/null || echo absent
uname -r`;

/** Starts from what is there: only what differs is sent. */
const BEGIN = `
mkdir -p "$1"
cd "$1"
rm -rf payload.new
if [ -d payload ]; then cp -a payload payload.new; else mkdir payload.new; fi`;

/** What changes on top of the image: its archive, and a copy that running domains take their update from. */
const PACK = `
folder=$1 digest=$2
shift 2
cd "$folder"
# Run again after it was done, because its connection was lost at the end.
[ -d payload.new ] || [ "$(cat payload/payload/etc/v4v/payload.digest)" != "$digest" ] || exit 0
printf './payload%s\\n' "$@" >payload.files
(cd payload.new && find . -type f | grep -vxFf ../payload.files | while read -r old; do rm -f "$old"; done)
rm payload.files
mkdir -p payload.new/payload/etc/v4v
echo "$digest" >payload.new/payload/etc/v4v/payload.digest
# Written under a private umask; in the guest these are everybody's folders.
find payload.new -type d -exec chmod 755 {} +
(cd payload.new && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 >../payload.cpio.new)
mv payload.cpio.new payload.cpio
rm -rf payload
mv payload.new payload`;

const REMOVE = `${FREE_LOOP}
free_loop "$1/root.ext4"
rm -rf -- "$1"`;

/** SHA-256 over what lies on top. */
export async function payloadDigest(payload: readonly RemoteFile[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of payload) {
    const content =
      file.source === undefined ? (file.content ?? "") : await sha256File(file.source);
    hash.update(JSON.stringify([file.path, file.mode, content]));
  }
  return hash.digest("hex");
}

/** Sends what lies on top of the image, and packs it for the domUs' boot archive. */
export async function placePayload(
  remote: Remote,
  folder: string,
  payload: readonly RemoteFile[],
  digest: string,
): Promise<void> {
  await remote.run("looking at the old payload", BEGIN, folder);
  await placeFiles(remote, payload, { root: `${folder}/payload.new/payload` });
  await remote.run("packing the payload", PACK, folder, digest, ...payload.map(({ path }) => path));
}

/** What all domUs of a host share: root image, boot archive, and the testbed's own programs on top. */
export const guestImageResource: Resource = {
  deadlines: { create: 600, update: 600, delete: 60 },

  id: (inputs) => `guest-image@${typed<GuestImageInputs>(inputs).connection.host}`,

  async check(properties) {
    const failures = missing(properties, [
      "connection",
      "folder",
      "image",
      "imageSha256",
      "makeInitrd",
      "payload",
    ]);
    const inputs = typed<GuestImageInputs>(properties);
    if (failures.length > 0 || !Array.isArray(inputs.payload))
      return { inputs: properties, failures };
    const digest = await payloadDigest(inputs.payload).catch(() => "unknown");
    return { inputs: { ...properties, payloadDigest: digest } };
  },

  async ensure(context: Context, properties: Properties): Promise<Properties> {
    const inputs = typed<GuestImageInputs>(properties);
    const remote = new Remote(inputs.connection, context.signal);
    const digest = inputs.payloadDigest ?? "";
    context.status("looking at the guest image");
    const [packed, image, made, release = ""] = (
      await remote.run("looking at the guest image", LOOK, inputs.folder)
    ).split("\n");
    let kernel = release;
    if (image !== inputs.imageSha256 || made !== `${release} ${archiveDigest(inputs)}`) {
      kernel = await placeRoot(remote, inputs, (text) => {
        context.status(text);
      });
    }
    if (packed !== digest) {
      context.status("packing what goes on top");
      await placePayload(remote, inputs.folder, inputs.payload, digest);
    }
    return { bootDigest: bootDigest(inputs, kernel), packedDigest: digest };
  },

  async read(context: Context, prior: Prior) {
    const inputs = typed<GuestImageInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, within(context.signal, 20));
    const listing = await remote.run(
      "looking at the guest image",
      'cd "$1" 2>/dev/null || exit 0; [ -e root.ext4 ] && cat root.ext4.sha256 || echo absent; cat payload/payload/etc/v4v/payload.digest || echo absent',
      inputs.folder,
    );
    const [imageSha256 = "absent", payloadDigest = "absent"] = listing.trim().split("\n");
    return { inputs: { ...prior.inputs, imageSha256, payloadDigest }, outputs: prior.outputs };
  },

  async delete(context: Context, prior: Prior): Promise<void> {
    const inputs = typed<GuestImageInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, context.signal);
    await remote.run("removing the guest image", REMOVE, inputs.folder);
  },
};
