/**
 * V4V for domUs that somebody else has made, on a host that boots the hypervisor of ../xen-host: module, library and tools in each,
 * discovery and rules in dom0. Debian 13 everywhere; the domUs are reached through the host.
 *
 *     pulumi config set --path 'hosts[0].address' rack1.example      (and hostKey; docs/existing-hosts.md)
 *     pulumi config set --path 'guests:domains[0].name' web
 *     pulumi config set --path 'guests:domains[0].address' 192.0.2.11      (hostKey, and user, port, keyFile if need be)
 */
import * as pulumi from "@pulumi/pulumi";
import {
  connectionTo,
  loadSettings,
  PackageBuilds,
  PROJECT,
  V4vPackages,
  type HostSettings,
} from "v4vsockets-testbed";

type Guest = Pick<HostSettings, "address" | "hostKey"> & Partial<HostSettings> & { name: string };

const project = pulumi.getProject();
const given = { ...pulumi.runtime.allConfig(), [`${project}:target`]: "existing" };
const settings = loadSettings(given, project);
const [host] = settings.hosts;
if (host === undefined) throw new pulumi.RunError("hosts: there is none");

const builds = new PackageBuilds("build", { project: PROJECT, settings });
const dom0 = new V4vPackages("dom0", {
  project: PROJECT,
  builds,
  connection: connectionTo(host),
  role: "dom0",
});

export const domains = new pulumi.Config("guests")
  .requireObject<Guest[]>("domains")
  .map(({ name, ...guest }) => {
    const reached = { port: 22, user: "root", keyFile: "", link: "", ...guest, jump: host };
    new V4vPackages(
      name,
      { project: PROJECT, builds, connection: connectionTo(reached), role: "domU" },
      { dependsOn: [dom0] },
    );
    return name;
  });
