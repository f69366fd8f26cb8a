/**
 * A Xen host and no more: the hypervisor with V4V on a Debian host, and dom0's bridge and tools. Settings are those of the
 * testbed, under this project's name:
 *
 *     pulumi config set --path 'hosts[0].address' rack1.example      (and hostKey; docs/existing-hosts.md)
 */
import * as pulumi from "@pulumi/pulumi";
import {
  ExistingHost,
  HypervisorBuild,
  loadSettings,
  PROJECT,
  runFolder,
  XenHost,
} from "v4vsockets-testbed";

const given = { ...pulumi.runtime.allConfig(), [`${pulumi.getProject()}:target`]: "existing" };
const settings = loadSettings(given, pulumi.getProject());
const [host] = settings.hosts;
if (host === undefined) throw new pulumi.RunError("hosts: there is none");

const build = new HypervisorBuild("build", { project: PROJECT, settings });
const machine = new ExistingHost("machine", {
  folder: runFolder(import.meta.dirname, pulumi.getStack()),
  host,
  settings,
});
const xen = new XenHost("host", {
  host: machine,
  own: machine.own,
  project: PROJECT,
  hypervisor: build.hypervisor,
  settings,
  dom0PrivateKey: machine.runFolder.dom0PrivateKey,
});

export const version = xen.hypervisor.version;
export const buildId = xen.hypervisor.runningBuildId;
