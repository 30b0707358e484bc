import { midranks } from './midranks.ts';

/** Scores of rows: `width` 1 with label 1 for the class, or one column a class with the label as its place. Row-major. */
export type ClassScores = {
  readonly outputs: ArrayLike<number>;
  readonly width: number;
  readonly labels: ArrayLike<number>;
};

/** An area, and what each row adds to it; `classes` is how many labels there are, from 0. */
export type AreaComponents = {
  readonly area: number;
  readonly ofRow: Float64Array;
  readonly labels: ArrayLike<number>;
  readonly classes: number;
};

/** Two models' scores of the same rows; labels are 0 or 1. */
export type PairedScores = {
  readonly challenger: ArrayLike<number>;
  readonly champion: ArrayLike<number>;
  readonly labels: ArrayLike<number>;
};

/** `difference` is the challenger's AUC less the champion's. */
export type AucDifference = {
  readonly challenger: number;
  readonly champion: number;
  readonly difference: number;
  readonly standardError: number;
};

/**
 * The area under the ROC curve with its structural components: V10 of a row of the class is the share of the other rows that it outscores,
 * V01 of another row the share of the class above it. A row adds V10 / m or V01 / n. Several classes: the mean over the classes of one
 * against the rest; a row adds the mean of what it adds to each. Midranks make it O(rows log rows) a class.
 * Sources: DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988; Sun and Xu, IEEE Signal Processing Letters 21, 2014.
 *
 * @returns null with fewer than two rows of a class, because a variance needs two, or with a label that is no class.
 */
export function areaComponents({ outputs, width, labels }: ClassScores): AreaComponents | null {
  const classes = width === 1 ? 2 : width;
  const rows = Array.from({ length: classes }, () => 0);
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? -1;
    if (!(label in rows)) return null;
    rows[label] = (rows[label] ?? 0) + 1;
  }
  if (rows.some((count) => count < 2)) return null;
  const ofRow = new Float64Array(labels.length);
  let area = 0;
  for (let column = 0; column < width; column++) {
    const of = width === 1 ? 1 : column;
    area += addColumn(ofRow, { outputs, width, labels }, { column, of, members: rows[of] ?? 0 }) / width;
  }
  return { area, ofRow: ofRow.map((share) => share / width), labels, classes };
}

/** Adds one column's components and answers its area. */
function addColumn(
  ofRow: Float64Array,
  { outputs, width, labels }: ClassScores,
  { column, of, members }: { readonly column: number; readonly of: number; readonly members: number },
): number {
  const others = labels.length - members;
  const scores = new Float64Array(labels.length);
  const [inside, outside] = [new Float64Array(members), new Float64Array(others)];
  let [seenInside, seenOutside] = [0, 0];
  for (let row = 0; row < scores.length; row++) {
    const score = outputs[row * width + column] ?? 0;
    scores[row] = score;
    if (labels[row] === of) inside[seenInside++] = score;
    else outside[seenOutside++] = score;
  }
  const [all, within, without] = [midranks(scores), midranks(inside), midranks(outside)];
  [seenInside, seenOutside] = [0, 0];
  let area = 0;
  for (let row = 0; row < scores.length; row++) {
    const isMember = labels[row] === of;
    const own = isMember ? (within[seenInside++] ?? 0) : (without[seenOutside++] ?? 0);
    const outranked = (all[row] ?? 0) - own;
    const share = isMember ? outranked / others / members : (1 - outranked / members) / others;
    if (isMember) area += share;
    ofRow[row] = (ofRow[row] ?? 0) + share;
  }
  return area;
}

/**
 * Standard error of an area, or with `less` of the difference of two areas on the same rows: the square root of the sum over the classes of
 * rows x variance of what their rows add. With two classes that is DeLong's var(V10) / m + var(V01) / n.
 */
export function areaStandardError({ ofRow, labels, classes }: AreaComponents, less?: AreaComponents): number {
  const added = ofRow.map((share, row) => share - (less?.ofRow[row] ?? 0));
  const sums = new Float64Array(classes);
  const counts = new Float64Array(classes);
  const squares = new Float64Array(classes);
  for (const [row, value] of added.entries()) {
    const label = labels[row] ?? 0;
    sums[label] = (sums[label] ?? 0) + value;
    counts[label] = (counts[label] ?? 0) + 1;
  }
  for (const [row, value] of added.entries()) {
    const label = labels[row] ?? 0;
    squares[label] = (squares[label] ?? 0) + (value - (sums[label] ?? 0) / (counts[label] ?? 1)) ** 2;
  }
  const variance = squares.reduce((sum, square, label) => {
    const count = counts[label] ?? 0;
    return sum + (square * count) / (count - 1);
  }, 0);
  return Math.sqrt(variance);
}

/**
 * Difference of two correlated areas under the ROC curve and its standard error.
 *
 * @returns null with fewer than two rows of a class.
 */
export function aucDifference({ challenger, champion, labels }: PairedScores): AucDifference | null {
  const a = areaComponents({ outputs: challenger, width: 1, labels });
  const b = areaComponents({ outputs: champion, width: 1, labels });
  if (a === null || b === null) return null;
  return {
    challenger: a.area,
    champion: b.area,
    difference: a.area - b.area,
    standardError: areaStandardError(a, b),
  };
}
