import { readFileSync } from "node:fs";
import { join } from "node:path";
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/types.ts";
import { Files, Hypervisor, type Build } from "../provider/sdk.ts";
import type { XenBoot } from "../provider/xen/boot.ts";
import type { TextFile } from "../provider/resources/files.ts";
import { render } from "../templates/render.ts";
import type { Host } from "./host.ts";
import { bridge } from "./network.ts";

export interface XenHostArgs {
  host: Host;
  project: string;
  hypervisor: Build;
  settings: Settings;
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
function xenCommandLine({ xen, v4v }: Settings): string {
  return [
    "placeholder",
    "com1=115200,8n1",
    "console=com1",
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

/** What has to happen after one of dom0's files was changed. */
const APPLY = "mkdir -p /var/log/xen/console && systemctl daemon-reload && networkctl reload";

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
    const on = { parent: this, deletedWith: host.resource };

    const files = new Files(
      `${name}-files`,
      {
        connection,
        incarnation: host.incarnation,
        files: dom0Files(project),
        then: APPLY,
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
      },
      on,
    );
    const boot = xenBoot(args.hypervisor, settings);
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
        consoleLog: host.consoleLog,
      },
      {
        ...on,
        dependsOn: [files],
        customTimeouts: {
          create: `${settings.machine.bootTimeout + 120}s`,
          update: `${settings.machine.bootTimeout + 120}s`,
        },
      },
    );
    this.bootId = this.hypervisor.bootId;
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
      { parent: this, deletedWith: this.host.resource, dependsOn: [this.hypervisor, ...after] },
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
    host.connection.apply(({ host: address, port, user, privateKey, hostKey }) => ({
      host: address,
      port,
      user,
      privateKey,
      hostKey,
      dialErrorLimit: 30,
    })),
  );
}
