import { gammaln, mean, sampleVariance } from "simple-statistics";

/** Smallest magnitude in Lentz's method, in place of zero. */
const TINY = 1e-300;

/** Modified Lentz's method needs O(sqrt(max(a, b))) terms; this is far more than any run's degrees of freedom do. */
const MOST_TERMS = 10_000;

/** Continued fraction of the incomplete beta function, DLMF 8.17.22, by the modified method of Lentz. */
function betaFraction(x: number, a: number, b: number): number {
  const away = (value: number): number => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= MOST_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const factor = d * c;
    fraction *= factor;
    if (Math.abs(factor - 1) < 1e-15) return fraction;
  }
  throw new RangeError(`the incomplete beta function of ${x}, ${a}, ${b} does not converge`);
}

/** Regularised incomplete beta function I_x(a, b), DLMF 8.17; x from 0 to 1, a and b above 0. */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast on this side only; the other follows from I_x(a, b) = 1 - I_{1-x}(b, a).
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const logFront = gammaln(a + b) - gammaln(a) - gammaln(b) + a * Math.log(x) + b * Math.log1p(-x);
  return (Math.exp(logFront) * betaFraction(x, a, b)) / a;
}

/** Probability that |T| is at least |t|, T of Student's distribution with `df` degrees of freedom, not always whole. */
export function studentTwoSided(t: number, df: number): number {
  if (!Number.isFinite(t)) return 0;
  return incompleteBeta(df / (df + t * t), df / 2, 0.5);
}

/**
 * The t that |T| exceeds with that probability, T of Student's distribution with `df` degrees of freedom; by bisection.
 *
 * @param p two-sided, above 0 and below 1
 */
export function studentQuantile(p: number, df: number): number {
  let [low, high] = [0, 1];
  while (studentTwoSided(high, df) > p) high *= 2;
  while (high - low > 1e-12 * high) {
    const middle = (low + high) / 2;
    if (studentTwoSided(middle, df) > p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

export interface WelchTest {
  t: number;
  /** Degrees of freedom by Welch and Satterthwaite. */
  df: number;
  /** Two-sided. */
  p: number;
}

interface Means {
  difference: number;
  /** Standard error of the difference. */
  error: number;
  /** Degrees of freedom by Welch and Satterthwaite. */
  df: number;
  /** What the numbers' precision makes of no difference. */
  rounding: number;
}

function meansOf(a: readonly number[], b: readonly number[]): Means {
  const [one, two] = [[...a], [...b]];
  const [u, v] = [sampleVariance(one) / one.length, sampleVariance(two) / two.length];
  const rounding = 1e-12 * (Math.abs(mean(one)) + Math.abs(mean(two)));
  const error = Math.sqrt(u + v);
  const df =
    error <= rounding
      ? one.length + two.length - 2
      : (u + v) ** 2 / (u ** 2 / (one.length - 1) + v ** 2 / (two.length - 1));
  return { difference: mean(one) - mean(two), error, df, rounding };
}

/**
 * Do two sets of values have the same mean? B. L. Welch, "The generalization of 'Student's' problem when several
 * different population variances are involved", Biometrika 34 (1947). Supposes that the values are close to normal.
 *
 * @param a at least two values
 * @param b at least two values
 */
export function welch(a: readonly number[], b: readonly number[]): WelchTest {
  const { difference, error, df, rounding } = meansOf(a, b);
  // Values that do not vary: rounding apart they are the same, or differ for certain.
  if (error <= rounding) {
    const same = Math.abs(difference) <= rounding;
    return { t: same ? 0 : Math.sign(difference) * Infinity, df, p: same ? 1 : 0 };
  }
  const t = difference / error;
  return { t, df, p: studentTwoSided(t, df) };
}

export interface WelchDifference {
  /** Mean of the first set less that of the second. */
  difference: number;
  low: number;
  high: number;
  /** That the means differ by no more than the margin, or less likely so. */
  p: number;
}

/**
 * Welch's test of whether two means differ by more than `margin`, and the interval of their difference. The p-value is
 * the greatest under any difference within the margin.
 *
 * @param a at least two values
 * @param b at least two values
 */
export function welchBeyond(
  a: readonly number[],
  b: readonly number[],
  margin: number,
  confidence: number,
): WelchDifference {
  const { difference, error, df, rounding } = meansOf(a, b);
  const distance = Math.abs(difference);
  if (error <= rounding) {
    const p = distance - margin > rounding ? 0 : 1;
    return { difference, low: difference, high: difference, p };
  }
  const beyond = (t: number): number => {
    const half = studentTwoSided(t, df) / 2;
    return t < 0 ? 1 - half : half;
  };
  const reach = studentQuantile(1 - confidence, df) * error;
  return {
    difference,
    low: difference - reach,
    high: difference + reach,
    p: Math.min(1, beyond((distance - margin) / error) + beyond((distance + margin) / error)),
  };
}

/**
 * p-values adjusted for their number: those at most alpha are rejected, with a probability of at most alpha that any
 * rejection is wrong, however the tests depend on each other. S. Holm, "A Simple Sequentially Rejective Multiple Test
 * Procedure", Scandinavian Journal of Statistics 6 (1979).
 *
 * @returns in the order of `values`
 */
export function holm(values: readonly number[]): number[] {
  const ascending = values.map((p, index) => ({ p, index })).sort((one, other) => one.p - other.p);
  const adjusted = new Array<number>(values.length).fill(1);
  let least = 0;
  for (const [rank, { p, index }] of ascending.entries()) {
    least = Math.min(1, Math.max(least, (values.length - rank) * p));
    adjusted[index] = least;
  }
  return adjusted;
}
