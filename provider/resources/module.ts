import { missing, typed } from "../inputs.ts";
import type { Context, Prior, Properties, Resource } from "../resource.ts";
import { RemoteFailure } from "../ssh/errors.ts";
import { Remote } from "../ssh/remote.ts";
import type { Connection } from "../ssh/target.ts";
import { within } from "../host/within.ts";

/** Inputs of `v4v:index:Module`: a kernel module in dom0. */
export interface ModuleInputs {
  connection: Connection;
  /** After a reboot the module has to be looked at again. */
  dom0BootId: string;
  /** The module on the controller, and where it goes on the host. */
  source: string;
  path: string;
  /** `srcversion` of the module: what /sys/module/NAME shows once it is loaded. */
  srcversion: string;
  /** Unit of the host that loads it, and its text. */
  unit: string;
  unitFile: string;
}

const LOOK = 'cat /sys/module/v4v/srcversion 2>/dev/null || echo "not loaded"';

/** As {@link LOOK}, with the link that has it loaded at each boot seen to. */
const ENABLED = `
wants=/etc/systemd/system/multi-user.target.wants/$1
[ -L "$wants" ] || ln -sf "/etc/systemd/system/$1" "$wants"
${LOOK}`;

const LOAD = `
# systemd answers late on an emulated machine whose controller is busy; 25 s are not enough then.
export SYSTEMD_BUS_TIMEOUT=120s
systemctl daemon-reload
systemctl restart "$1" || { journalctl -q -o cat -n 5 -u "$1" >&2; dmesg | grep v4v: | tail -n 3 >&2; exit 1; }
rm -f "/etc/systemd/system/$1.pending"
${LOOK}`;

/** The V4V module of dom0: in place, loaded, and loaded again after a reboot. A new one is swapped in without a reboot. */
export const moduleResource: Resource = {
  deadlines: { create: 600, update: 600, delete: 60 },

  id: (inputs) =>
    `${typed<ModuleInputs>(inputs).unit}@${typed<ModuleInputs>(inputs).connection.host}`,

  check: (inputs) =>
    Promise.resolve({
      inputs,
      failures: missing(inputs, ["connection", "source", "path", "srcversion", "unit", "unitFile"]),
    }),

  async ensure(context: Context, properties: Properties): Promise<Properties> {
    const inputs = typed<ModuleInputs>(properties);
    const remote = new Remote(inputs.connection, context.signal);
    const unit = `/etc/systemd/system/${inputs.unit}`;
    // The unit says with which parameters: one that was changed is run again, also after an interruption.
    const changed = await remote.place(
      [
        { path: inputs.path, source: inputs.source, mode: 0o644 },
        { path: unit, content: inputs.unitFile, mode: 0o644 },
      ],
      `${unit}.pending`,
    );
    let now = (await remote.run("looking at the V4V module", ENABLED, inputs.unit)).trim();
    if (changed || now !== inputs.srcversion) {
      context.status(now === "not loaded" ? "loading the module" : "replacing the module");
      now = (await remote.run("loading the V4V module", LOAD, inputs.unit)).trim();
    }
    if (now !== inputs.srcversion) {
      throw new RemoteFailure(
        "loading the V4V module",
        remote.name,
        1,
        `srcversion is ${now}, expected ${inputs.srcversion}`,
      );
    }
    return {};
  },

  async read(context: Context, prior: Prior) {
    const inputs = typed<ModuleInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, within(context.signal, 20));
    const srcversion = (await remote.run("looking at the V4V module", LOOK)).trim();
    return { inputs: { ...prior.inputs, srcversion }, outputs: prior.outputs };
  },

  async delete(context: Context, prior: Prior): Promise<void> {
    const inputs = typed<ModuleInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, context.signal);
    const script = `
rm -f "/etc/systemd/system/multi-user.target.wants/$1" "/etc/systemd/system/$1" "/etc/systemd/system/$1.pending" "$2"
[ ! -e /sys/module/v4v ] || rmmod v4v`;
    await remote.run("unloading the V4V module", script, inputs.unit, inputs.path);
  },
};
