/** From here on the limit in powers of 1/sqrt(n) is as good as the exact matrix, which grows with n. */
const smallSample = 140;

/** How far a number may grow or shrink before its power of two is set aside. */
const scaleBits = 400;

/**
 * P(D_n >= x) of the one-sample, two-sided Kolmogorov-Smirnov statistic, within 1e-10 of scipy's kstwo.sf (1e-12 of the value in the
 * tail, n x² >= 2.2). The tail is twice the one-sided probability (exact from x = 1/2 on, elsewhere too large by less than a rounding
 * matters); below it Durbin's matrix for few values, Pelz and Good's expansion for many.
 * Source: Simard and L'Ecuyer, Journal of Statistical Software 39(11), 2011.
 */
export function kolmogorovSurvival(n: number, x: number): number {
  if (x >= 1) return 0;
  if (n * x <= 0.5) return 1;
  const inTail = n * x * x >= (n <= smallSample ? 4 : 2.2);
  const survival = inTail || x >= 0.5 ? 2 * smirnovSurvival(n, x) : 1 - bodyOf(n, x);
  return Math.min(1, Math.max(0, survival));
}

/** Close to 0 the expansion is not good enough, and the matrix is small. */
function bodyOf(n: number, x: number): number {
  const isSmall = n <= smallSample || (n <= 100_000 && n * x ** 1.5 <= 1.4);
  return isSmall ? durbinMatrix(n, x) : pelzGood(n, x);
}

/**
 * One-sided P(D+_n >= x) = x sum over j <= n (1 - x) of C(n, j) (x + j/n)^(j-1) (1 - x - j/n)^(n-j): Birnbaum and Tingey, Annals of
 * Mathematical Statistics 22, 1951. Each term is a binomial probability over x + j/n, see `binomialMass`.
 */
function smirnovSurvival(n: number, x: number): number {
  let sum = 0;
  for (let j = Math.floor(n * (1 - x)); j >= 0; j--) {
    const reach = x + j / n;
    if (reach < 1) sum += binomialMass(n, j, j + n * x) / reach;
  }
  return x * sum;
}

/** P(j of n) where `mean` of n are expected, by deviances instead of powers: keeps all digits for any n. Source: Loader, 2000. */
function binomialMass(n: number, j: number, mean: number): number {
  if (j === 0) return Math.exp(n * Math.log1p(-mean / n));
  if (j === n) return Math.exp(n * Math.log(mean / n));
  const error = stirlingError(n) - stirlingError(j) - stirlingError(n - j);
  return Math.exp(error - deviance(j, mean) - deviance(n - j, n - mean)) * Math.sqrt(n / (2 * Math.PI * j * (n - j)));
}

/** ln n! - (ln(n) n - n + ln(2 π n) / 2). */
function stirlingError(n: number): number {
  if (n < 16) {
    let factorial = 1;
    for (let k = 2; k <= n; k++) factorial *= k;
    return Math.log(factorial) - (n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2);
  }
  const square = n * n;
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / n;
}

/** x ln(x / mean) + mean - x, by its series where x lies close to the mean and the difference would cancel. */
function deviance(x: number, mean: number): number {
  const ratio = (x - mean) / (x + mean);
  if (Math.abs(ratio) >= 0.1) return x * Math.log(x / mean) + mean - x;
  let sum = (x - mean) * ratio;
  let term = 2 * x * ratio;
  for (let k = 1; k < 1000; k++) {
    term *= ratio * ratio;
    const next = sum + term / (2 * k + 1);
    if (next === sum) return sum;
    sum = next;
  }
  return sum;
}

/**
 * P(D_n < x) as the middle of (n! / n^n) H^n: Marsaglia, Tsang and Wang, Journal of Statistical Software 8(18), 2003. H^n grows like e^n:
 * both powers are scaled by powers of two, which loses no digit.
 */
function durbinMatrix(n: number, x: number): number {
  const k = Math.ceil(n * x);
  const size = 2 * k - 1;
  const middle = (k - 1) * size + k - 1;
  let power = { matrix: identity(size), exponent: 0 };
  let square = { matrix: durbinStart(size, k - n * x), exponent: 0 };
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) power = multiply(power, square, { size, middle });
    if (left > 1) square = multiply(square, square, { size, middle });
  }
  let probability = power.matrix[middle] ?? 0;
  let { exponent } = power;
  for (let i = 1; i <= n; i++) {
    probability *= i / n;
    if (probability < 2 ** -scaleBits) {
      probability *= 2 ** scaleBits;
      exponent -= scaleBits;
    }
  }
  return probability * 2 ** exponent;
}

function durbinStart(size: number, h: number): Float64Array {
  const inverse = [1];
  for (let i = 1; i <= size; i++) inverse.push((inverse[i - 1] ?? 0) / i);
  const start = new Float64Array(size * size);
  for (let row = 0; row < size; row++)
    for (let column = 0; column <= Math.min(row + 1, size - 1); column++)
      start[row * size + column] = inverse[row - column + 1] ?? 0;
  for (let i = 0; i < size; i++) {
    const edge = (1 - h ** (i + 1)) * (inverse[i + 1] ?? 0);
    start[i * size] = edge;
    start[(size - 1) * size + size - 1 - i] = edge;
  }
  const corner = 1 - 2 * h ** size + Math.max(2 * h - 1, 0) ** size;
  start[(size - 1) * size] = corner * (inverse[size] ?? 0);
  return start;
}

function identity(size: number): Float64Array {
  return Float64Array.from({ length: size * size }, (_, place) => (place % (size + 1) === 0 ? 1 : 0));
}

/** A matrix times 2^exponent. */
type Scaled = { readonly matrix: Float64Array; readonly exponent: number };

function multiply(a: Scaled, b: Scaled, { size, middle }: { readonly size: number; readonly middle: number }): Scaled {
  const product = new Float64Array(size * size);
  for (let row = 0; row < size; row++)
    for (let inner = 0; inner < size; inner++) {
      const factor = a.matrix[row * size + inner] ?? 0;
      if (factor === 0) continue;
      for (let column = 0; column < size; column++) {
        const place = row * size + column;
        product[place] = (product[place] ?? 0) + factor * (b.matrix[inner * size + column] ?? 0);
      }
    }
  const exponent = a.exponent + b.exponent;
  if ((product[middle] ?? 0) < 2 ** scaleBits) return { matrix: product, exponent };
  return { matrix: product.map((value) => value * 2 ** -scaleBits), exponent: exponent + scaleBits };
}

/** P(D_n <= x) to the order n^(-3/2) in Jacobi's theta form: Pelz and Good, Journal of the Royal Statistical Society B 38, 1976. */
function pelzGood(n: number, x: number): number {
  const z = Math.sqrt(n) * x;
  const [z2, z4, z6] = [z ** 2, z ** 4, z ** 6];
  const [pi2, pi4, pi6] = [Math.PI ** 2, Math.PI ** 4, Math.PI ** 6];
  const k = [0, 0, 0, 0];
  const add = (order: number, value: number): number => (k[order] = (k[order] ?? 0) + value);
  for (let i = Math.ceil((16 * z) / Math.PI); i >= 1; i--) {
    const [m2, whole] = [(2 * i - 1) ** 2, i * i];
    const odd = Math.exp((-pi2 / 8 / z2) * m2) * Math.sqrt(2 * Math.PI);
    add(0, odd / z);
    add(1, (odd * (-z2 + (pi2 / 4) * m2)) / (6 * z4));
    const second = 6 * z6 + 2 * z4 + ((2 * z4 - 5 * z2) * pi2 * m2) / 4 + (pi4 * (1 - 2 * z2) * m2 ** 2) / 16;
    add(2, (odd * second) / (72 * z ** 7));
    const third =
      -30 * z6 -
      90 * z ** 8 +
      (pi2 * (135 * z4 - 96 * z6) * m2) / 4 +
      (pi4 * (-60 * z2 + 212 * z4) * m2 ** 2) / 16 +
      (pi6 * (5 - 30 * z2) * m2 ** 3) / 64;
    add(3, (odd * third) / (6480 * z ** 10));
    const even = Math.exp((-pi2 / 2 / z2) * whole) * Math.sqrt(2 * Math.PI) * pi2 * whole;
    add(2, -even / (36 * z ** 3));
    add(3, (even * (3 * z2 - pi2 * whole)) / (216 * z6));
  }
  return k.reduce((sum, term, order) => sum + term / n ** (order / 2), 0);
}
