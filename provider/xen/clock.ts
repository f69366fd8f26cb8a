import { pause } from "../ssh/wait.ts";

/** Boots that may be needed for a clock that is right. */
export const BOOTS = 3;

/** On the host, gone with the boot that it speaks of: its clock has been looked at and is right. */
export const RIGHT = "/run/v4v-clock-is-right";

/** How long is looked, ms: much longer than an answer takes. */
const LOOK_MS = 2000;
export const LONG_LOOK_MS = 10_000;

/** Prints how long the host has been up by its own clock, s. */
export const UPTIME = "cut -d ' ' -f 1 /proc/uptime";

/**
 * How fast a host's clock runs, 1 being right. Xen measures the TSC against an emulated timer when it boots; on a busy
 * controller that can go wrong by an order of magnitude, and then every time-out and every measurement of that boot is.
 *
 * @param uptime asks the host for {@link UPTIME}
 */
export async function clockRate(
  uptime: () => Promise<string>,
  signal: AbortSignal,
  lookMs = LOOK_MS,
): Promise<number> {
  const look = async () => {
    const before = performance.now();
    const host = Number(await uptime()) * 1000;
    // Read at some moment between question and answer.
    return { host, here: (before + performance.now()) / 2 };
  };
  const first = await look();
  await pause(lookMs, signal, "looking at the host's clock");
  const second = await look();
  return (second.host - first.host) / (second.here - first.here);
}

/** Whether a rate is right as far as {@link clockRate} can tell. */
export function isRight(rate: number): boolean {
  return rate > 0.75 && rate < 1.33;
}
