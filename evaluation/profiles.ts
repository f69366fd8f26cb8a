/** One point of a profile: what is measured at one size, once per transport and repetition. */
export interface ProfilePoint {
  experiment: "latency" | "stream";
  /** `pingpong`: round trips; `stream`: one way. */
  kind: "pingpong" | "stream";
  /** Payload of one message, bytes. */
  size: number;
  /** Untimed round trips or messages before the timed ones. */
  warmup: number;
  /** Timed round trips at most; 0 (stream) leaves the end to the budget. */
  count: number;
  /** Length of the timed window, ms. */
  budgetMs: number;
}

/** A named evaluation. */
export interface Profile {
  name: string;
  description: string;
  /** How often every point is measured on every transport, each time in a new random order. */
  repetitions: number;
  points: readonly ProfilePoint[];
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** 1 B to 4 MiB, dense enough for the shape of the curve; 1 B and 1 MiB are the sizes that the poster quotes. */
const SIZES = [1, 16, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB] as const;

const STREAM_SIZES = [4 * KIB, 64 * KIB, MIB] as const;

/** Untimed round trips: enough to open TCP's window and V4V's rings, few where one takes a good part of a second. */
function warmup(size: number): number {
  if (size >= 4 * MIB) return 1;
  return size >= 256 * KIB ? 2 : 8;
}

const pingPong = (size: number): ProfilePoint => ({
  experiment: "latency",
  kind: "pingpong",
  size,
  warmup: warmup(size),
  count: 200,
  budgetMs: size >= 256 * KIB ? 200 : 100,
});

const stream = (size: number): ProfilePoint => ({
  experiment: "stream",
  kind: "stream",
  size,
  warmup: 2,
  count: 0,
  budgetMs: 150,
});

const smoke: Profile = {
  name: "smoke",
  description:
    "TCP against V4V between two domUs, round trips and one-way streams, within 90 s under emulation",
  // Six is the least for which the range of the repetitions is a 95% interval of their median (1 - 2 / 2^6).
  repetitions: 6,
  points: [...SIZES.map(pingPong), ...STREAM_SIZES.map(stream)],
};

const profiles: readonly Profile[] = [smoke];

/** Profiles that the configuration knows by name but nothing can run yet. */
const NOT_BUILT = ["quick", "paper", "full"];

/** No such profile, or not yet; the message says what there is. */
export class ProfileError extends Error {
  override readonly name = "ProfileError";
}

/**
 * The profile of that name; null for `none`, which means no evaluation.
 *
 * @throws ProfileError for a profile that does not exist or is not built yet
 */
export function profileNamed(name: string): Profile | null {
  if (name === "none") return null;
  const found = profiles.find((profile) => profile.name === name);
  if (found !== undefined) return found;
  const available = ["none", ...profiles.map((profile) => profile.name)].join(", ");
  const what = NOT_BUILT.includes(name) ? "is not built yet" : "does not exist";
  throw new ProfileError(
    `evaluation.profile: profile ${JSON.stringify(name)} ${what}; available: ${available}`,
  );
}
