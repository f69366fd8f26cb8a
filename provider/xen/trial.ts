import type { Remote } from "../ssh/remote.ts";
import { CUSTOM_CFG, ENTRY, type XenBoot } from "./boot.ts";

/**
 * How a hypervisor comes onto a host that has to come back whatever happens. The entry lies between two marks in custom.cfg,
 * whose other lines are the host's; GRUB is told to take it for one boot. Only when that boot has proved itself does it become
 * the default. A hypervisor or kernel that panics reboots by itself, GRUB reboots when it cannot load one, and a unit reboots a
 * dom0 that nobody has confirmed in time: each of them into the host's own entry. As the default it may lose its files later: then
 * GRUB goes on with the host's first entry.
 */

/** Unit that reboots a dom0 unless {@link CONFIRMED} comes to be. */
const UNIT = "v4v-trial.service";

/** On the host, gone with the boot that it speaks of. */
const CONFIRMED = "/run/v4v-trial-confirmed";

const unitFile = (seconds: number): string => `[Unit]
Description=Back to the old boot entry unless the V4V testbed is content with this one
ConditionKernelCommandLine=v4v_testbed
ConditionPathExists=!${CONFIRMED}

[Service]
Type=simple
ExecStart=/bin/sh -c 'sleep ${seconds}; [ -e ${CONFIRMED} ] || systemctl reboot'

[Install]
WantedBy=multi-user.target
`;

/**
 * A host that was told to boot another entry once goes by that; otherwise ours is its default, and if it cannot be loaded, the first
 * entry of all: what grub.cfg has itself comes before what it reads from custom.cfg. An entry that has something to fall back to
 * does not reboot, which would end in itself.
 */
const DEFAULT = `if [ -z "\${boot_once}" ]; then set default=${ENTRY}; set fallback=0; fi\n`;

const begin = `# ${ENTRY}: begin`;
const end = `# ${ENTRY}: end`;

/** others FILE: the lines of custom.cfg that are the host's. */
const OTHERS = `
others() { [ ! -e "$1" ] || sed '/^${begin}$/,/^${end}$/d' "$1"; }
replace() {
  if [ -e "$2" ]; then chmod --reference="$2" "$1"; else chmod 644 "$1"; fi
  mv -f "$1" "$2"
}`;

const WRITE = `${OTHERS}
umask 077
file=$1
others "$file" >"$file.new"
# A last line without an end would swallow the first of ours.
[ -z "$(tail -c 1 "$file.new")" ] || echo >>"$file.new"
printf '%s' "$2" >>"$file.new"
cmp -s "$file.new" "$file" && rm "$file.new" || replace "$file.new" "$file"`;

const REMOVE = `${OTHERS}
umask 077
file=$1 entry=$2 image=$3 unit=$4
if [ -e "$file" ]; then
  others "$file" >"$file.new"
  if [ -s "$file.new" ]; then replace "$file.new" "$file"; else rm -f "$file.new" "$file"; fi
fi
# GRUB leaves it empty when it has booted what was chosen.
case $(grub-editenv /boot/grub/grubenv list | sed -n 's/^next_entry=/chosen=/p') in
"chosen=$entry" | chosen=) grub-editenv /boot/grub/grubenv unset next_entry ;;
esac
rm -f "/etc/systemd/system/$unit" "/etc/systemd/system/multi-user.target.wants/$unit" "$image"
[ ! -d "\${image%/*}" ] || rmdir --ignore-fail-on-non-empty "\${image%/*}"
sync`;

async function writeEntry(remote: Remote, boot: XenBoot, isDefault: boolean): Promise<void> {
  const text = `${begin}\n${boot.bootEntry}${isDefault ? DEFAULT : ""}${end}\n`;
  await remote.run("writing the boot entry", WRITE, CUSTOM_CFG, text);
}

/** The next boot, and no other, is the hypervisor's; if it is not confirmed in time, the one after it is the host's own. */
export async function prepareTrial(remote: Remote, boot: XenBoot, seconds: number): Promise<void> {
  await remote.place([
    { path: boot.imagePath, source: boot.image, mode: 0o644 },
    { path: `/etc/systemd/system/${UNIT}`, content: unitFile(seconds), mode: 0o644 },
  ]);
  await writeEntry(remote, boot, false);
  await remote.run(
    "choosing the boot entry for one boot",
    `ln -sf "/etc/systemd/system/$2" "/etc/systemd/system/multi-user.target.wants/$2"
grub-editenv /boot/grub/grubenv set next_entry="$1"
[ "$(grub-editenv /boot/grub/grubenv list | sed -n 's/^next_entry=//p')" = "$1" ]
sync`,
    ENTRY,
    UNIT,
  );
}

/** What runs has proved itself: it is the default from now on, and its watch ends. */
export async function confirmTrial(remote: Remote, boot: XenBoot): Promise<void> {
  await remote.place([{ path: boot.imagePath, source: boot.image, mode: 0o644 }]);
  await writeEntry(remote, boot, true);
  await remote.run(
    "confirming the hypervisor",
    `: >"$2"
rm -f "/etc/systemd/system/multi-user.target.wants/$1"
systemctl stop "$1" 2>/dev/null || :
sync`,
    UNIT,
    CONFIRMED,
  );
}

/** The host's own entry is the default again; what runs goes on until the next boot. */
export async function removeTrial(remote: Remote, imagePath: string): Promise<void> {
  await remote.run("removing the boot entry", REMOVE, CUSTOM_CFG, ENTRY, imagePath, UNIT);
}
