import { randomUUID } from "node:crypto";
import { missing, typed } from "../inputs.ts";
import { Refused, type Context, type Prior, type Properties, type Resource } from "../resource.ts";
import { Remote } from "../ssh/remote.ts";
import type { Connection } from "../ssh/target.ts";
import { judge, LOOK_AT_PCI, parsePci, PCIBACK, type PciHost } from "../xen/passthrough.ts";
import { driverFits, modulesFit } from "../xen/gpuDriver.ts";
import { guestTypeOf, type GuestType } from "../xen/guestType.ts";
import { within } from "../host/within.ts";

/** Inputs of `v4v:index:Passthrough`: a PCI device that dom0 keeps for a domU. */
export interface PassthroughInputs {
  connection: Connection;
  /** After a reboot dom0's own drivers have the device again. */
  dom0BootId: string;
  /** Address of one of its functions. */
  device: string;
  /** Name of the domU that is to have it. */
  domain: string;
  /** Kind of that domU; `auto`: what the device needs. */
  guestType: GuestType | "auto";
  /** What that domU's image has for it. */
  driver: "none" | "nvidia";
  /** Kernel release that the driver's modules are for; absent without any. */
  driverKernel?: string;
  /** Folder on the host in which the former drivers are remembered. */
  folder: string;
  /** The host's sysfs. */
  sysfs: string;
  /** After a refresh: what is wrong with it. */
  state?: string;
}

export interface PassthroughOutputs {
  /** Every function of the device, all of them kept for the domU. */
  functions: string[];
  guestType: GuestType;
  /** Another one each time that a device is taken for the domU: one that was given back in between took its domU with it. */
  taking: string;
}

/** What was in use before is written down first: whoever is killed in between can still be put right. */
const TAKE = `
folder=$1 sys=$2
shift 2
modprobe xen-pciback
mkdir -p "$folder"
for address in "$@"; do
  driver=; link=$sys/bus/pci/devices/$address/driver
  [ ! -e "$link" ] || driver=$(basename "$(readlink "$link")")
  [ "$driver" != ${PCIBACK} ] || continue
  echo "$driver" >"$folder/$address.new"
  mv "$folder/$address.new" "$folder/$address"
  xl pci-assignable-add "$address"
done`;

/**
 * Prints what could not be put back. After a reboot of dom0 there is nothing left to do but to forget. The domU ends first, if
 * it has not: its device is not taken from under it.
 */
const GIVE_BACK = `
folder=$1 sys=$2 domain=$3
systemctl stop "v4v-domu@$domain" 2>/dev/null || :
for note in "$folder"/*; do
  [ -e "$note" ] || continue
  address=$(basename "$note") driver=$(cat "$note")
  link=$sys/bus/pci/devices/$address/driver
  now=; [ ! -e "$link" ] || now=$(basename "$(readlink "$link")")
  if [ "$now" = ${PCIBACK} ]; then
    xl pci-assignable-remove -r "$address" >&2 || { echo "$address is still kept for domUs"; continue; }
    now=; [ ! -e "$link" ] || now=$(basename "$(readlink "$link")")
  fi
  # A device that is gone needs no driver.
  if [ -n "$driver" ] && [ -z "$now" ] && [ -e "$sys/bus/pci/devices/$address" ]; then
    echo "$address" >"$sys/bus/pci/drivers/$driver/bind" || { echo "$address is without its driver $driver"; continue; }
  fi
  rm -f "$note"
done
rmdir "$folder" 2>/dev/null || :`;

async function look(remote: Remote, sysfs: string): Promise<PciHost> {
  return parsePci(await remote.run("looking at the PCI devices", LOOK_AT_PCI, sysfs));
}

/** Undefined when every function is kept for domUs. */
function drift(host: PciHost, functions: string[]): string | undefined {
  const lost = functions.filter(
    (address) => host.functions.find((one) => one.address === address)?.driver !== PCIBACK,
  );
  return lost.length === 0 ? undefined : `not kept for domUs: ${lost.join(", ")}`;
}

/** A device taken from dom0's drivers, with all its functions, and given back to them in the end. */
export const passthroughResource: Resource = {
  deadlines: { create: 120, update: 120, delete: 120 },
  replaceOn: ["device", "folder"],

  id: (inputs) => typed<PassthroughInputs>(inputs).device,

  check: (inputs) =>
    Promise.resolve({
      inputs,
      failures: missing(inputs, [
        "connection",
        "device",
        "domain",
        "guestType",
        "driver",
        "folder",
        "sysfs",
      ]),
    }),

  async ensure(
    context: Context,
    properties: Properties,
    prior: Prior | undefined,
  ): Promise<Properties> {
    const { connection, device, domain, guestType, driver, driverKernel, folder, sysfs } =
      typed<PassthroughInputs>(properties);
    const remote = new Remote(connection, context.signal);
    const host = await look(remote, sysfs);
    const { take, problems, warnings } = judge(host, device, domain);
    // Nothing has been touched yet.
    if (problems.length > 0) throw new Refused(`gpu.device: ${problems.join("\n")}`);
    if (take.length === 0) {
      const why = warnings.length > 0 ? `:\n${warnings.join("\n")}` : ": it has none";
      throw new Refused(`gpu.device: auto found no display device that dom0 can spare${why}`);
    }
    const guest = guestTypeOf(host, take, guestType);
    if (guest.problems.length > 0) throw new Refused(`gpu.type: ${guest.problems.join("\n")}`);
    const fit = driverFits(take, driver);
    if (driverKernel !== undefined) {
      const running = await remote.run("asking for dom0's kernel", "uname -r");
      fit.problems.push(...modulesFit(driverKernel, running.trim()));
    }
    if (fit.problems.length > 0) throw new Refused(`gpu.driver: ${fit.problems.join("\n")}`);
    [...warnings, ...guest.warnings, ...fit.warnings].forEach((warning) => {
      context.warn(warning);
    });
    const functions = take.map(({ address }) => address);
    await remote.run("taking the device from dom0", TAKE, folder, sysfs, ...functions);
    const wrong = drift(await look(remote, sysfs), functions);
    if (wrong !== undefined) throw new Error(`gpu.device: ${wrong}`);
    const taking = typed<Partial<PassthroughOutputs>>(prior?.outputs ?? {}).taking ?? randomUUID();
    return { functions, guestType: guest.type, taking };
  },

  async read(context: Context, prior: Prior) {
    const { connection, sysfs } = typed<PassthroughInputs>(prior.inputs);
    const { functions } = typed<Partial<PassthroughOutputs>>(prior.outputs);
    const remote = new Remote(connection, within(context.signal, 20));
    const wrong = drift(await look(remote, sysfs), functions ?? []);
    return {
      inputs: { ...prior.inputs, ...(wrong !== undefined && { state: wrong }) },
      outputs: prior.outputs,
    };
  },

  async delete(context: Context, prior: Prior): Promise<void> {
    const { connection, domain, folder, sysfs } = typed<PassthroughInputs>(prior.inputs);
    const remote = new Remote(connection, context.signal);
    const left = (
      await remote.run("giving the device back to dom0", GIVE_BACK, folder, sysfs, domain)
    ).trim();
    if (left !== "") throw new Error(`gpu.device: ${left}`);
  },
};
