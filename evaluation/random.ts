import { createHash } from "node:crypto";

/** A source of numbers in [0, 1). */
export type Random = () => number;

/** Four 32-bit words, not all zero. */
export type State = [number, number, number, number];

const rotateLeft = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

/** xoshiro128**: 32 random bits a call (D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators"). */
export function xoshiro128(state: State): () => number {
  let [a, b, c, d] = state;
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
}

/**
 * A generator for one purpose: the same seed and label give the same numbers on every machine, and another label
 * gives numbers that have nothing to do with them, so that adding a figure changes no other one.
 */
export function seededRandom(seed: number, label: string): Random {
  const digest = createHash("sha256").update(`${seed}\0${label}`).digest();
  const word = (index: number): number => digest.readInt32LE(index * 4);
  const next = xoshiro128([word(0), word(1), word(2), word(3)]);
  return () => next() / 2 ** 32;
}
