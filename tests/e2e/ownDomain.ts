import { quote } from "../../provider/ssh/quote.ts";
import type { PlainHost } from "./plainHost.ts";

/** The distribution's hypervisor, as an owner installs it and makes it the default. */
const INSTALL_XEN = `
export DEBIAN_FRONTEND=noninteractive
apt-get install --yes --quiet --quiet --no-install-recommends xen-hypervisor-4.20-amd64 xen-utils-4.20 xenstore-utils >&2
mkdir -p /etc/default/grub.d
cat >/etc/default/grub.d/xen.cfg <<'END'
GRUB_CMDLINE_XEN="com1=115200,8n1 console=com1 dom0_mem=1024M,max:1024M dom0_max_vcpus=1"
GRUB_CMDLINE_LINUX_XEN_REPLACE="console=ttyS0 console=hvc0 net.ifnames=0"
END
# What domUs say is kept.
cat >/etc/default/xen <<'END'
XENCONSOLED_ARGS="--log=guest --log-dir=/var/log/xen/console"
XENSTORED_ARGS=
END
mkdir -p /var/log/xen/console
update-grub >&2
entry=$(sed -n "s/^menuentry .*with Xen hypervisor.*\\$menuentry_id_option '\\([^']*\\)'.*/\\1/p" /boot/grub/grub.cfg | head -n 1)
[ -n "$entry" ]
echo "GRUB_DEFAULT=\\"$entry\\"" >>/etc/default/grub.d/xen.cfg
update-grub >&2`;

/** A domU of nothing but the host's kernel and busybox: it says its boot id and counts. */
const MAKE = `
name=$1
mkdir -p /srv/$name/root/bin /srv/$name/root/sbin /srv/$name/root/proc /srv/$name/root/dev
cd /srv/$name/root
busybox=$(command -v busybox)
cp "$busybox" bin/
for library in $(ldd "$busybox" | grep -o '/[^ ]*'); do
  mkdir -p ".\${library%/*}"
  cp -L "$library" ".$library"
done
cat >init <<'END'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
read -r boot </proc/sys/kernel/random/boot_id
n=0
while :; do
  n=$((n + 1))
  echo "own $boot $n"
  /bin/busybox sleep 2
done
END
# The toolstack's wish to shut down ends here.
printf '#!/bin/busybox sh\\n/bin/busybox poweroff -f || echo o >/proc/sysrq-trigger\\n' >sbin/poweroff
chmod 755 init sbin/poweroff
mknod dev/console c 5 1
find . | cpio --quiet -o -H newc | gzip -1 >../initrd
cd ..
rm -r root
cat >domain.cfg <<END
name = "$name"
type = "pv"
kernel = "/boot/vmlinuz-$(uname -r)"
ramdisk = "/srv/$name/initrd"
extra = "console=hvc0 rdinit=/init"
memory = 128
vcpus = 1
on_poweroff = "destroy"
on_crash = "preserve"
END`;

/** What it said last, and what the toolstack has of it. */
const ASK = `
name=$1
domid=$(xl domid "$name")
tr -d '\\r' <"/var/log/xen/console/guest-$name.log" | sed -n 's/^own \\([-0-9a-f]\\{36\\} [0-9][0-9]*\\)$/\\1/p' | tail -n 1 | sed "s/^/$domid /"`;

/** After a boot sshd may answer before the toolstack: what is being started is waited for. */
export const TOOLSTACK = "systemctl start xen.service";

/** A domU of a host's owner, made without the testbed. */
export class OwnDomain {
  readonly #host: PlainHost;
  readonly name: string;

  constructor(host: PlainHost, name = "own1") {
    this.#host = host;
    this.name = name;
  }

  /** The host boots the distribution's Xen from now on. */
  async prepare(): Promise<void> {
    const before = await this.#host.on("cat /proc/sys/kernel/random/boot_id");
    await this.#host.on(INSTALL_XEN, 900);
    await this.#run(MAKE, 120);
    await this.#host.on("sync; systemctl --no-block reboot");
    await this.#host.rebooted(before, 900);
  }

  /** Waits until it counts. */
  async start(): Promise<void> {
    await this.#host.on(
      `${TOOLSTACK}; rm -f /var/log/xen/console/guest-${this.name}.log; xl create -q /srv/${this.name}/domain.cfg`,
      300,
    );
    await this.counts();
  }

  async shutDown(): Promise<void> {
    await this.#host.on(`xl shutdown -w ${this.name}`, 300);
  }

  /** Domain id and boot id, once it has counted on. */
  async counts(): Promise<string> {
    const said = await this.#host.on(
      `ask() { ${ASK}
      }
      set -- ${quote(this.name)}
      first=$(ask "$1" 2>/dev/null || :)
      for i in $(seq 60); do
        sleep 3
        now=$(ask "$1" 2>/dev/null || :)
        [ -z "$first" ] || [ -z "$now" ] || [ "$first" = "$now" ] || { echo "$now"; exit 0; }
        [ -n "$first" ] || first=$now
      done
      tail -n 20 "/var/log/xen/console/guest-$1.log" >&2
      exit 1`,
      300,
    );
    // What it has counted to is the only thing that changes.
    return said.split(" ").slice(0, 2).join(" ");
  }

  #run(script: string, seconds: number): Promise<string> {
    return this.#host.on(`set -- ${quote(this.name)}\n${script}`, seconds);
  }
}
