import { readFileSync } from "node:fs";
import { join } from "node:path";
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/types.ts";
import { Files, Hypervisor, type Build } from "../provider/sdk.ts";
import { BOOTED_BY_ENTRY, type XenBoot } from "../provider/xen/boot.ts";
import type { HostOutputs } from "../provider/resources/host.ts";
import type { TextFile } from "../provider/resources/files.ts";
import { render } from "../templates/render.ts";
import { goesWith, kept, type Host } from "./host.ts";
import { LINK_UNIT, linkUnit, type Link } from "./link.ts";
import { bridge, type Bridge } from "./network.ts";

export interface XenHostArgs {
  host: Host;
  project: string;
  hypervisor: Build;
  settings: Settings;
  /** What a host that stays boots by itself; absent for the emulated machine. */
  own?: pulumi.Output<OwnBoot>;
  /** What is done on a host that stays before it is rebooted. */
  before?: pulumi.Resource;
  /** One of several hosts: how its domUs reach those of the others. */
  link?: Link;
  /** Keys with which dom0 logs in to its domUs. */
  dom0PrivateKey: pulumi.Input<string>;
}

/** Where the boot entry expects the hypervisor. */
const IMAGE_PATH = "/boot/xen-v4v-testbed.gz";
/** On an overloaded computer networkd needs longer than systemd's 90 s, is killed, and the host boots without network. */
const DOM0_OPTIONS =
  "console=hvc0 net.ifnames=0 quiet mitigations=off systemd.default_timeout_start_sec=300";
export const LIBRARY = "/usr/local/lib/v4v-testbed";

/** Xen's command line. A first word is lost on the way through multiboot, hence the placeholder in front. */
function xenCommandLine(
  { xen, v4v }: Settings,
  console: readonly string[] = ["com1=115200,8n1", "console=com1"],
): string {
  return [
    "placeholder",
    ...console,
    `dom0_mem=${xen.dom0MemoryMiB}M,max:${xen.dom0MemoryMiB}M`,
    `dom0_max_vcpus=${xen.dom0Vcpus}`,
    ...(v4v.enabled ? ["v4v=1"] : []),
    // A debug build says all that guests provoke, as often as they do: as little of it as a release build would.
    ...(xen.debug ? ["guest_loglvl=none/all"] : []),
    ...(xen.xsm === "none" ? [] : [`xsm=${xen.xsm}`]),
    ...(xen.options === "" ? [] : [xen.options]),
  ].join(" ");
}

/** A file of `dom0/` as it is. */
const asIs = (project: string, file: string, path: string, mode: string): TextFile => ({
  path,
  mode,
  content: readFileSync(join(project, "dom0", file), "utf8"),
});

/** The scripts that make the domUs' boot archive. */
export function initrdTools(project: string): TextFile[] {
  return ["make-initrd", "initrd-init"].map((file) =>
    asIs(project, file, `${LIBRARY}/${file}`, "755"),
  );
}

/** The same for a host that has a busybox of its own, or none, where the domUs' is taken for it. */
export function hostInitrdTools(project: string): TextFile[] {
  const file = "make-initrd-of-image";
  return [...initrdTools(project), asIs(project, file, `${LIBRARY}/${file}`, "755")];
}

/** How Xen's daemons are started: it has to be there before they are. */
export function daemonSettings(project: string): TextFile {
  return asIs(project, "xen.default", "/etc/default/xen", "644");
}

/** How our hypervisor is booted with these settings. */
export function xenBoot(hypervisor: Build, settings: Settings): pulumi.Output<XenBoot> {
  const commandLine = xenCommandLine(settings);
  return pulumi
    .all([hypervisor.path, hypervisor.fact("build-id")])
    .apply(([path, buildId]): XenBoot => ({
      image: `${path}/xen.gz`,
      buildId,
      bootEntry: render("boot-entry.cfg", {
        imagePath: IMAGE_PATH,
        commandLine,
        root: "/dev/vda2",
        dom0Options: DOM0_OPTIONS,
      }),
      imagePath: IMAGE_PATH,
      commandLine,
    }));
}

/** dom0's files that are the same for every stack. */
export function dom0Files(project: string): TextFile[] {
  const own = (file: string, path: string, mode: string) => asIs(project, file, path, mode);
  const network = {
    bridge: bridge.name,
    gateway: bridge.gateway,
    prefixLength: bridge.prefixLength,
    mac: bridge.mac,
  };
  return [
    own("domu", `${LIBRARY}/domu`, "755"),
    own("disk-attach", `${LIBRARY}/disk-attach`, "755"),
    own("vif-attach", `${LIBRARY}/vif-attach`, "755"),
    ...initrdTools(project),
    own("known-host", `${LIBRARY}/known-host`, "755"),
    own("load-v4v", `${LIBRARY}/load-v4v`, "755"),
    own("v4v.modprobe", "/etc/modprobe.d/v4v-testbed.conf", "644"),
    own("v4v-domu@.service", "/etc/systemd/system/v4v-domu@.service", "644"),
    own("v4v-rules.service", "/etc/systemd/system/v4v-rules.service", "644"),
    own("ssh_config", "/etc/v4v-testbed/ssh_config", "644"),
    daemonSettings(project),
    {
      path: "/etc/systemd/network/20-v4v-bridge.netdev",
      mode: "644",
      content: render("bridge.netdev", network),
    },
    {
      path: "/etc/systemd/network/20-v4v-bridge.network",
      mode: "644",
      content: render("bridge.network", network),
    },
  ];
}

/** How a host that stays boots by itself. */
export type OwnBoot = Pick<HostOutputs, "kernel" | "commandLine" | "bootUuid" | "bootPath">;

/** Out of the way of update-grub, which makes entries for all that is called xen in /boot. */
const HOST_IMAGE = "v4v-testbed/xen.gz";

/** Seconds after which a kernel that has panicked boots again: by the host's own entry. */
const PANIC = "panic=20";

/** What a host's own kernel is told, as the kernel of a dom0 is: Xen has the serial port then, and hvc0 is Xen's console. */
function dom0CommandLine(own: string, serial: boolean): string {
  const words = own
    .split(" ")
    .filter((word) => word !== "" && !/^(BOOT_IMAGE|initrd|panic)=/.test(word))
    // What the distribution's entry for a hypervisor of its own has before them, and ours, too.
    .filter((word) => word !== "placeholder")
    .filter((word) => !serial || !word.startsWith("console="));
  return [...words, ...(serial ? ["console=hvc0"] : []), PANIC, BOOTED_BY_ENTRY].join(" ");
}

/**
 * Xen's own words for its console: the serial port that the host's kernel uses, if it does, and a screen beside it only if
 * that uses one, too. Where there is none, Xen writes to memory that nobody has; under emulation so slowly that the ACPI
 * timer wraps several times until Xen looks at it again, and its clock then runs at a tenth of real time.
 */
export function xenConsole(own: string): string[] {
  const [, port, baud = "115200"] = /(?:^| )console=ttyS([01])(?:,(\d+))?/.exec(own) ?? [];
  if (port === undefined) return ["console=vga"];
  const com = `com${Number(port) + 1}`;
  const screen = /(?:^| )console=tty\d*(?:[ ,]|$)/.test(own) ? ",vga" : "";
  return [`${com}=${baud},8n1`, `console=${com}${screen}`];
}

/** As {@link xenBoot}, with the kernel that the host has booted by itself and what it told that. */
function hostXenBoot(
  hypervisor: Build,
  settings: Settings,
  own: pulumi.Output<OwnBoot>,
): pulumi.Output<XenBoot> {
  return pulumi
    .all([hypervisor.path, hypervisor.fact("build-id"), own])
    .apply(([path, buildId, { kernel, commandLine: words, bootUuid, bootPath }]): XenBoot => {
      const console = xenConsole(words);
      const commandLine = xenCommandLine(settings, console);
      const inBoot = (name: string) => `${bootPath === "/" ? "" : bootPath}/${name}`;
      return {
        image: `${path}/xen.gz`,
        buildId,
        bootEntry: render("host-boot-entry.cfg", {
          bootUuid,
          imagePath: inBoot(HOST_IMAGE),
          commandLine,
          kernel: inBoot(`vmlinuz-${kernel}`),
          initrd: inBoot(`initrd.img-${kernel}`),
          dom0Options: dom0CommandLine(words, console.length > 1),
        }),
        imagePath: `/boot/${HOST_IMAGE}`,
        commandLine,
      };
    });
}

/** dom0's files on a host that stays: the same, but the bridge needs no networkd there. */
function hostFiles(project: string, { name, gateway, prefixLength, mac }: Bridge): TextFile[] {
  return [
    ...dom0Files(project).filter(({ path }) => !path.startsWith("/etc/systemd/network/")),
    ...hostInitrdTools(project).slice(initrdTools(project).length),
    asIs(project, "bridge", `${LIBRARY}/bridge`, "755"),
    {
      path: `/etc/systemd/system/${BRIDGE_UNIT}`,
      mode: "644",
      content: render(BRIDGE_UNIT, { bridge: name, gateway, prefixLength, mac }),
    },
  ];
}

const BRIDGE_UNIT = "v4v-bridge.service";

/** What domUs say on their consoles is for root alone; a folder that a host has already is its owner's. */
const CONSOLES =
  "[ -d /var/log/xen/console ] || { mkdir -p /var/log/xen && mkdir -m 700 /var/log/xen/console; }";

const HOST_APPLY = `${CONSOLES}
systemctl daemon-reload
systemctl -q enable ${BRIDGE_UNIT}
systemctl reload-or-restart ${BRIDGE_UNIT}`;

/** Of one of several hosts. */
const LINK_APPLY = `systemctl daemon-reload
systemctl -q enable ${LINK_UNIT}
systemctl reload-or-restart ${LINK_UNIT}`;

const HOST_UNDO = `systemctl -q disable --now ${BRIDGE_UNIT} 2>/dev/null || :`;
const LINK_UNDO = `systemctl -q disable --now ${LINK_UNIT} 2>/dev/null || :`;

/** What has to happen after one of dom0's files was changed. */
const APPLY = `${CONSOLES}
systemctl daemon-reload && networkctl reload`;

/** Turns a Debian machine into a Xen host that runs our hypervisor, with the domUs' bridge and tools in dom0. */
export class XenHost extends pulumi.ComponentResource {
  readonly host: Host;
  readonly hypervisor: Hypervisor;
  /** dom0's boot id: another one after each reboot. */
  readonly bootId: pulumi.Output<string>;
  /** With which dom0 logs in to its domUs. */
  readonly key: Files;

  constructor(name: string, args: XenHostArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:XenHost", name, {}, options);
    const { host, settings, project } = args;
    this.host = host;
    const { connection } = host;
    const on = { parent: this, ...goesWith(host) };

    const own = args.own;
    const files = new Files(
      `${name}-files`,
      {
        connection,
        incarnation: host.incarnation,
        files: own === undefined ? dom0Files(project) : hostFiles(project, host.bridge),
        then: own === undefined ? APPLY : HOST_APPLY,
        ...kept(host, HOST_UNDO),
      },
      on,
    );
    this.key = new Files(
      `${name}-key`,
      {
        connection,
        incarnation: host.incarnation,
        files: pulumi.secret(
          pulumi
            .output(args.dom0PrivateKey)
            .apply((content) => [{ path: "/etc/v4v-testbed/id_ed25519", mode: "600", content }]),
        ),
        ...kept(host),
      },
      on,
    );
    const boot =
      own === undefined
        ? xenBoot(args.hypervisor, settings)
        : hostXenBoot(args.hypervisor, settings, own);
    // A host that stays may have to come back by its old entry, and to boot that in the end.
    const patience = `${settings.machine.bootTimeout * (own === undefined ? 1 : 2) + 120}s`;
    this.hypervisor = new Hypervisor(
      `${name}-xen`,
      {
        connection,
        incarnation: host.incarnation,
        image: boot.image,
        buildId: boot.buildId,
        bootEntry: boot.bootEntry,
        imagePath: boot.imagePath,
        commandLine: boot.commandLine,
        bootTimeout: settings.machine.bootTimeout,
        ...(host.consoleLog !== undefined && { consoleLog: host.consoleLog }),
        ...(own !== undefined && { trial: true }),
      },
      {
        ...on,
        dependsOn: [files, ...(args.before === undefined ? [] : [args.before])],
        customTimeouts: {
          create: patience,
          update: patience,
        },
      },
    );
    this.bootId = this.hypervisor.bootId;
    // By itself, so that it goes when the host is the only one again.
    if (args.link !== undefined)
      new Files(
        `${name}-link`,
        {
          connection,
          incarnation: host.incarnation,
          files: [
            asIs(project, "link", `${LIBRARY}/link`, "755"),
            linkUnit(host.bridge, args.link),
          ],
          then: LINK_APPLY,
          ...kept(host, LINK_UNDO),
        },
        { ...on, dependsOn: [files, this.hypervisor] },
      );
    this.registerOutputs({ bootId: this.bootId });
  }

  /**
   * Kernel release of dom0, which is the domUs' as well.
   *
   * @param after what is not to wait for it: the official plugin has a session of its own, which costs dom0 seconds
   */
  kernel(after: pulumi.Resource[]): pulumi.Output<string> {
    const kernel = new remote.Command(
      "host-kernel",
      {
        connection: sshConnection(this.host),
        create: "uname -r",
        triggers: [this.bootId],
      },
      { parent: this, ...goesWith(this.host), dependsOn: [this.hypervisor, ...after] },
    );
    return kernel.stdout;
  }
}

/** The host's connection as @pulumi/command takes it. */
export function sshConnection(host: Host): pulumi.Output<{
  host: string;
  port: number;
  user: string;
  privateKey: string;
  hostKey: string;
  dialErrorLimit: number;
}> {
  return pulumi.secret(
    host.connection.apply(({ host: address, port, user, privateKey = "", hostKey }) => ({
      host: address,
      port,
      user,
      privateKey,
      hostKey,
      dialErrorLimit: 30,
    })),
  );
}
