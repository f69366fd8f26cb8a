import type { Remote } from "../ssh/remote.ts";

/** What all domUs of a host boot from. */
export interface GuestRoot {
  /** Folder on the host that holds the image and what the domains boot from. */
  folder: string;
  /** root.ext4.zst on the controller, and the SHA-256 of what is in it. */
  image: string;
  imageSha256: string;
  /** Script on the host that unpacks dom0's kernel for the domUs and makes the base boot archive for it. */
  makeInitrd: string;
  makeInitrdSha256: string;
  /** Modules of dom0's kernel that the boot archive gets beside those that every domU needs. */
  modules?: string[];
  /**
   * Folder on the host that has its kernels as boot loaders take them: what an HVM domain's device model loads. Absent: the
   * kernel is unpacked, as the toolstack takes it.
   */
  packedKernels?: string;
}

/** For a host's shell: the image's loop device (dom0/disk-attach) goes when the last domain that has it does. */
export const FREE_LOOP = `
free_loop() { losetup -n -O NAME -j "$1" 2>/dev/null | xargs -r -n 1 losetup -d; }`;

/** Unpacks the image if it is not there already, and makes the boot archive of the running kernel. */
const PREPARE = `${FREE_LOOP}
folder=$1 sha=$2 make=$3 made=$4 packed=$5
shift 5
cd "$folder"
if [ ! -e root.ext4 ] || [ "$(cat root.ext4.sha256 2>/dev/null)" != "$sha" ]; then
  rm -f root.ext4.sha256
  zstd -dqf upload.zst -o root.ext4.new
  actual=$(sha256sum <root.ext4.new | cut -d ' ' -f 1)
  [ "$actual" = "$sha" ] || { echo "the image arrived damaged: $actual instead of $sha" >&2; exit 1; }
  free_loop root.ext4
  mv root.ext4.new root.ext4
  echo "$sha" >root.ext4.sha256
fi
rm -f upload.zst
wanted="$(uname -r) $made"
if [ "$(cat base.cpio.made 2>/dev/null)" != "$wanted" ]; then
  rm -f base.cpio.made
  "$make" "$folder/base.cpio" "$folder/kernel" "$@"
  [ -z "$packed" ] || { cp "$packed/vmlinuz-$(uname -r)" kernel.new && mv kernel.new kernel; }
  echo "$wanted" >base.cpio.made
fi
uname -r`;

/**
 * Sends and unpacks the image and makes the boot archive, as far as they are not there.
 *
 * @returns release of the kernel that the archive is for
 */
export async function placeRoot(
  remote: Remote,
  root: GuestRoot,
  say: (text: string) => void,
): Promise<string> {
  const present = await remote.tryRun(
    "looking for the guest image",
    '[ -e "$1/root.ext4" ] && [ "$(cat "$1/root.ext4.sha256")" = "$2" ]',
    root.folder,
    root.imageSha256,
  );
  if (present.exitCode !== 0) {
    say("sending the guest image");
    await remote.upload(root.image, `${root.folder}/upload.zst`, 0o600);
  }
  say("preparing the guest image");
  const kernel = await remote.run(
    "preparing the guest image",
    PREPARE,
    root.folder,
    root.imageSha256,
    root.makeInitrd,
    archiveDigest(root),
    root.packedKernels ?? "",
    ...(root.modules ?? []),
  );
  return kernel.trim();
}

/** Name of how the boot archive is made, apart from the kernel. */
export const archiveDigest = ({
  makeInitrdSha256,
  modules = [],
  packedKernels,
}: GuestRoot): string =>
  [makeInitrdSha256, ...modules, ...(packedKernels === undefined ? [] : ["packed"])].join(" ");

/** Name of what the domUs boot from. */
export function bootDigest(root: GuestRoot, kernel: string): string {
  return `${root.imageSha256} ${archiveDigest(root)} ${kernel}`;
}
