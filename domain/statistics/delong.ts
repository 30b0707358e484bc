import { countBelow } from './midranks.ts';

/** Scores of rows: `width` 1 with label 1 for the class, or one column a class with the label as its place. Row-major. */
export type ClassScores = {
  readonly outputs: ArrayLike<number>;
  readonly width: number;
  readonly labels: ArrayLike<number>;
};

/** An area, and what each row adds to it; `classes` is how many labels there are, from 0, `rarest` the rows of the one with fewest. */
export type AreaComponents = {
  readonly area: number;
  readonly ofRow: Float64Array;
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  readonly rarest: number;
};

/** How many rows are compared before the caller may do something else. */
const rowsAtOnce = 250_000;

/** The structural components at once, as `areaSteps` gives them. */
export function areaComponents(scores: ClassScores): AreaComponents | null {
  const work = areaSteps(scores);
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

/**
 * The area under the ROC curve with its structural components: V10 of a row of the class is the share of the other rows that it outscores,
 * V01 of another row the share of the class above it. A row adds V10 / m or V01 / n. Several classes: the mean over the classes of one
 * against the rest; a row adds the mean of what it adds to each. Each row is looked up in the sorted scores of the other side: O(rows log
 * rows) a class. It yields now and then, so that many rows do not hold up the process.
 * Sources: DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988; Sun and Xu, IEEE Signal Processing Letters 21, 2014.
 *
 * @returns null without a row of a class, or with a label that is no class.
 */
export function* areaSteps({ outputs, width, labels }: ClassScores): Generator<undefined, AreaComponents | null> {
  const classes = width === 1 ? 2 : width;
  const rows = new Uint32Array(classes);
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? -1;
    if (!(label >= 0 && label < classes)) return null;
    rows[label] = (rows[label] ?? 0) + 1;
  }
  const rarest = rows.reduce((least, count) => Math.min(least, count), labels.length);
  if (rarest === 0) return null;
  const ofRow = new Float64Array(labels.length);
  let area = 0;
  for (let column = 0; column < width; column++) {
    const of = width === 1 ? 1 : column;
    area += yield* addColumn(ofRow, { outputs, width, labels }, { column, of, members: rows[of] ?? 0 });
  }
  for (let row = 0; row < ofRow.length; row++) ofRow[row] = (ofRow[row] ?? 0) / width;
  return { area: area / width, ofRow, labels, classes, rarest };
}

/** Adds one column's components and answers its area, of whole and half numbers of pairs, so that a perfect order is exactly 1. */
function* addColumn(
  ofRow: Float64Array,
  { outputs, width, labels }: ClassScores,
  { column, of, members }: { readonly column: number; readonly of: number; readonly members: number },
): Generator<undefined, number> {
  const others = labels.length - members;
  const [inside, outside] = [new Float64Array(members), new Float64Array(others)];
  let [seenInside, seenOutside] = [0, 0];
  for (let row = 0; row < labels.length; row++) {
    const score = outputs[row * width + column] ?? 0;
    if (labels[row] === of) inside[seenInside++] = score;
    else outside[seenOutside++] = score;
  }
  inside.sort();
  yield;
  outside.sort();
  let outranked = 0;
  for (let row = 0; row < labels.length; row++) {
    if (row % rowsAtOnce === 0) yield;
    const score = outputs[row * width + column] ?? 0;
    const isMember = labels[row] === of;
    const below = countBelow(isMember ? outside : inside, score);
    if (isMember) outranked += below;
    const share = isMember ? below / others / members : (1 - below / members) / others;
    ofRow[row] = (ofRow[row] ?? 0) + share;
  }
  return outranked / (members * others);
}

/**
 * Standard error of an area, or with `less` of the difference of two areas on the same rows: the square root of the sum over the classes of
 * rows x variance of what their rows add. With two classes that is DeLong's var(V10) / m + var(V01) / n. NaN with one row of a class only,
 * because a variance needs two.
 */
export function areaStandardError({ ofRow, labels, classes }: AreaComponents, less?: AreaComponents): number {
  const sums = new Float64Array(classes);
  const counts = new Float64Array(classes);
  const squares = new Float64Array(classes);
  const added = (row: number): number => (ofRow[row] ?? 0) - (less?.ofRow[row] ?? 0);
  for (let row = 0; row < ofRow.length; row++) {
    const label = labels[row] ?? 0;
    sums[label] = (sums[label] ?? 0) + added(row);
    counts[label] = (counts[label] ?? 0) + 1;
  }
  for (let row = 0; row < ofRow.length; row++) {
    const label = labels[row] ?? 0;
    squares[label] = (squares[label] ?? 0) + (added(row) - (sums[label] ?? 0) / (counts[label] ?? 1)) ** 2;
  }
  const variance = squares.reduce((sum, square, label) => {
    const count = counts[label] ?? 0;
    return sum + (square * count) / (count - 1);
  }, 0);
  return Math.sqrt(variance);
}
