import fc from "fast-check";

// The same cases on every run; a failure prints what to repeat.
fc.configureGlobal({ seed: 20_250_131 });

const FULL = process.env.V4V_TEST === "full";

/** How many cases a property is tried with: few in each run of the tests, many in the full one. */
export const runs = (few: number, many = few * 20): number => (FULL ? many : few);

/** A bound against hangs for tests of such properties, ms. */
export const PATIENCE = FULL ? 900_000 : 60_000;

export default fc;
