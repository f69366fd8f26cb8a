import { expect, test } from "vitest";
import { Testbed } from "../../../components/testbed.ts";
import type { Settings } from "../../../config/types.ts";
import { Engine } from "../helpers/pulumiMocks.ts";
import { FOLDER, outputs, PROJECT, settingsOf, SEVERAL } from "./world.ts";

/** Settings as they would be if more hosts and domUs were allowed than there are addresses for. */
function settingsFor(hosts: number, domUs: number): Settings {
  const settings = settingsOf(SEVERAL);
  const [first] = settings.hosts;
  if (first === undefined) throw new Error("no host");
  return {
    ...settings,
    vmCount: domUs,
    hosts: Array.from({ length: hosts }, (_, i) => ({
      ...first,
      address: `rack${i + 1}.example`,
      link: `192.0.2.${i + 1}`,
    })),
  };
}

/** What the engine is asked for; with V4V_SCALE, how long the program took is printed (docs/scale.md). */
async function registered(hosts: number, domUs: number) {
  const started = performance.now();
  const { engine } = await Engine.run(
    () =>
      new Testbed("testbed", {
        project: PROJECT,
        folder: FOLDER,
        artifacts: "/artifacts",
        settings: settingsFor(hosts, domUs),
      }),
    { outputs },
  );
  const count = engine.registered.length;
  if (process.env.V4V_SCALE !== undefined)
    console.log(
      `${hosts} hosts, ${domUs} domUs: ${count} resources, ` +
        `${Math.round(performance.now() - started)} ms, ` +
        `${engine.registered.reduce((sum, { inputs }) => sum + JSON.stringify(inputs).length, 0)} bytes of inputs`,
    );
  return count;
}

test("a host costs so many resources, a domU one, however many there are", async () => {
  const one = await registered(2, 20);
  const host = (await registered(3, 20)) - one;
  expect(host).toBeGreaterThan(0);
  expect(await registered(2, 40)).toBe(one + 20);
  expect(await registered(8, 80)).toBe(one + 6 * host + 60);
  if (process.env.V4V_SCALE !== undefined) await registered(20, 200);
});
