import { distance } from "../config/distance.ts";
import type { Settings } from "../config/types.ts";
import { experimentName } from "./adaptive.ts";
import {
  EXPERIMENTS,
  PROFILES,
  type Further,
  type Profile,
  type ProfilePoint,
} from "./profiles.ts";
import { isSpecial, TRANSPORTS, type Transport } from "./transports.ts";

/** What is changed in a profile. */
export type Selection = Pick<
  Settings["evaluation"],
  "experiments" | "sizes" | "pairs" | "transports" | "repetitions" | "budget"
>;

export const WHOLE_PROFILE: Selection = {
  experiments: "all",
  sizes: "profile",
  pairs: "profile",
  transports: "profile",
  repetitions: "profile",
  budget: 0,
};

/** A selection that makes no sense, a sentence for each of its members. */
export class SelectionError extends Error {
  override readonly name = "SelectionError";
  readonly problems: readonly { member: keyof Selection; problem: string }[];

  constructor(problems: SelectionError["problems"]) {
    super(problems.map(({ member, problem }) => `evaluation.${member}: ${problem}`).join("; "));
    this.problems = problems;
  }
}

/** Experiments by the names that people use; `bandwidth` is another name for what `latency` measures. */
export const EXPERIMENT_NAMES: readonly string[] = [...new Set(EXPERIMENTS.map(experimentName))];

const MAX_SIZE = 16 * 1024 * 1024;
const MAX_REPETITIONS = 1000;
/** Where a profile that does not adapt is made to. */
const USUAL: Pick<Further, "block" | "budgetS"> = { block: 3, budgetS: 600 };

/** A connection has no size, and a program its own. */
const hasSize = ({ kind }: ProfilePoint): boolean =>
  kind === "pingpong" || kind === "stream" || kind === "memcpy";

const quoted = (words: readonly string[]): string =>
  words.map((word) => JSON.stringify(word)).join(", ");

/** The name that was probably meant; the nearest of all of them, however far. */
function nearest(word: string, names: readonly string[]): string {
  const away = (name: string): number =>
    name.startsWith(word.toLowerCase()) ? 0 : distance(word.toLowerCase(), name);
  return names.reduce((best, name) => (away(name) < away(best) ? name : best), names[0] ?? "");
}

const unknown = (word: string, what: string, names: readonly string[]): string =>
  `there is no ${what} ${JSON.stringify(word)}; did you mean ${nearest(word, names)}? There are ${names.join(", ")}`;

/** The words of a setting that is a list. */
export const listOf = (text: string): string[] =>
  text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");

const namesIn = ({ points }: Profile): string[] => [
  ...new Set(points.map(({ experiment }) => experimentName(experiment))),
];

/** The profiles that measure an experiment, in words. */
function profilesWith(name: string): string {
  const found = PROFILES.filter((one) => namesIn(one).includes(name)).map((one) => one.name);
  return `${found.join(", ")} ${found.length === 1 ? "does" : "do"}`;
}

type Fail = (member: keyof Selection, problem: string) => void;

function selectExperiments(profile: Profile, text: string, fail: Fail): Profile {
  const words = listOf(text).map((word) => (word === "bandwidth" ? "latency" : word));
  if (words.includes("all")) {
    if (words.length > 1) fail("experiments", "all goes with no other name");
    return profile;
  }
  if (words.length === 0)
    fail("experiments", `none is named; allowed is all, or ${EXPERIMENT_NAMES.join(", ")}`);
  const there = namesIn(profile);
  for (const word of words) {
    if (!EXPERIMENT_NAMES.includes(word))
      fail("experiments", unknown(word, "experiment", EXPERIMENT_NAMES));
    else if (!there.includes(word))
      fail(
        "experiments",
        `profile ${profile.name} does not measure ${word}; ${profilesWith(word)} (evaluation.profile)`,
      );
  }
  const points = profile.points.filter((point) => words.includes(experimentName(point.experiment)));
  return { ...profile, points };
}

/** `64KiB` in bytes; undefined for what is no size. */
function sizeOf(word: string): number | undefined {
  const match = /^(\d{1,9})(B|KiB|MiB)?$/.exec(word);
  if (match === null) return undefined;
  const factor = match[2] === "MiB" ? 1024 * 1024 : match[2] === "KiB" ? 1024 : 1;
  const size = Number(match[1]) * factor;
  return size >= 1 && size <= MAX_SIZE ? size : undefined;
}

/** Everything that any of the points is measured on; undefined is all that are compared. */
function unionOf(points: readonly ProfilePoint[]): Pick<ProfilePoint, "transports"> {
  const lists = points.map(({ transports }) => transports);
  if (lists.some((list) => list === undefined)) return {};
  return { transports: TRANSPORTS.filter((one) => lists.some((list) => list?.includes(one))) };
}

/** A point of that size made from the one that is nearest to it by ratio. */
function pointAt(size: number, points: readonly ProfilePoint[]): ProfilePoint[] {
  const away = (point: ProfilePoint): number => Math.abs(Math.log(point.size / size));
  const [first] = [...points].sort((a, b) => away(a) - away(b));
  if (first === undefined) return [];
  const made: ProfilePoint = { ...first, size };
  delete made.transports;
  return [{ ...made, ...unionOf(points) }];
}

function selectSizes(profile: Profile, text: string, fail: Fail): Profile {
  if (text === "profile") return profile;
  const words = listOf(text);
  const sizes = [...new Set(words.map(sizeOf).filter((size) => size !== undefined))];
  const wrong = words.filter((word) => sizeOf(word) === undefined);
  if (wrong.length > 0 || words.length === 0)
    fail(
      "sizes",
      `${wrong.length === 0 ? "nothing" : quoted(wrong)} is no size; allowed is profile, or sizes from 1 to 16MiB such as 1,64KiB,1MiB`,
    );
  if (!profile.points.some(hasSize) && profile.points.length > 0)
    fail("sizes", `${namesIn(profile).join(", ")}: the size of these cannot be chosen`);
  const sized = Map.groupBy(profile.points.filter(hasSize), ({ experiment }) => experiment);
  const points = [
    ...[...sized.values()].flatMap((own) => sizes.flatMap((size) => pointAt(size, own))),
    ...profile.points.filter((point) => !hasSize(point)),
  ];
  return { ...profile, points };
}

function selectPairs(profile: Profile, text: string, domUs: number, fail: Fail): Profile {
  if (text === "profile") return profile;
  const words = listOf(text);
  const wrong = words.filter((word) => !/^[1-9]\d{0,2}$/.test(word));
  const counts = [...new Set(words.map(Number))].sort((a, b) => a - b);
  const most = counts.at(-1) ?? 0;
  if (wrong.length > 0 || words.length === 0)
    fail(
      "pairs",
      `${wrong.length === 0 ? "nothing" : quoted(wrong)} is no number of pairs; allowed is profile, or numbers such as 1,2,4`,
    );
  else if (2 * most > domUs)
    fail("pairs", `${most} pairs need ${2 * most} domUs; vmCount is ${domUs}`);
  const inPairs = profile.points.some(({ pairs }) => pairs !== undefined);
  if (!inPairs && profile.points.length > 0)
    fail("pairs", `profile ${profile.name} measures nothing in pairs with these experiments`);
  const points = profile.points.map((point) =>
    point.pairs === undefined ? point : { ...point, pairs: counts },
  );
  return { ...profile, points };
}

function selectTransports(profile: Profile, text: string, fail: Fail): Profile {
  if (text === "profile") return profile;
  const words = listOf(text);
  if (words.length === 0)
    fail("transports", `none is named; allowed is profile, or ${TRANSPORTS.join(", ")}`);
  for (const word of words) {
    if (!(TRANSPORTS as readonly string[]).includes(word))
      fail("transports", unknown(word, "transport", TRANSPORTS));
  }
  const transports: Transport[] = TRANSPORTS.filter((one) => words.includes(one));
  const meant = ({ transports: own }: ProfilePoint): boolean =>
    transports.some((one) => own?.includes(one) ?? !isSpecial(one));
  if (transports.length > 0 && profile.points.length > 0 && !profile.points.some(meant))
    fail(
      "transports",
      `profile ${profile.name} measures nothing on ${transports.join(", ")} with these experiments`,
    );
  return { ...profile, transports };
}

function selectRepetitions(profile: Profile, selection: Selection, fail: Fail): Profile {
  const { repetitions: text, budget } = selection;
  let selected = profile;
  if (text !== "profile") {
    const match = /^([1-9]\d{0,3})(?:-([1-9]\d{0,3}))?$/.exec(text.trim());
    const least = Number(match?.[1]);
    const most = Number(match?.[2] ?? match?.[1]);
    if (match === null || most > MAX_REPETITIONS || most < least) {
      fail(
        "repetitions",
        `${JSON.stringify(text)} is neither profile, nor N, nor N-M with 1 to ${MAX_REPETITIONS} repetitions`,
      );
      return profile;
    }
    selected = {
      ...profile,
      repetitions: least,
      // What a profile repeats less often than the rest is asked for by number now.
      points: profile.points.map((point) => ({ ...point, repetitions: most })),
    };
    delete selected.further;
    if (most > least) selected.further = { ...USUAL, ...profile.further, most };
  }
  // What is made in any case has no budget.
  if (budget === 0 || selected.further === undefined) return selected;
  return { ...selected, further: { ...selected.further, budgetS: budget } };
}

/**
 * A profile with what was chosen in place of its own.
 *
 * @param domUs how many there are to measure
 * @throws SelectionError with everything that is wrong
 */
export function specialise(profile: Profile, selection: Selection, domUs: number): Profile {
  const problems: { member: keyof Selection; problem: string }[] = [];
  const fail: Fail = (member, problem) => problems.push({ member, problem });
  let selected = selectExperiments(profile, selection.experiments, fail);
  selected = selectSizes(selected, selection.sizes, fail);
  selected = selectPairs(selected, selection.pairs, domUs, fail);
  selected = selectTransports(selected, selection.transports, fail);
  selected = selectRepetitions(selected, selection, fail);
  if (problems.length > 0) throw new SelectionError(problems);
  return selected;
}

/** What was chosen, in words; empty for the profile as it is. */
export function selectionWords(selection: Partial<Selection>): string[] {
  const members = Object.keys(WHOLE_PROFILE) as (keyof Selection)[];
  return members.flatMap((member) => {
    const value = selection[member];
    if (value === undefined || value === WHOLE_PROFILE[member]) return [];
    return [`${member} ${value}${member === "budget" ? " s" : ""}`];
  });
}
