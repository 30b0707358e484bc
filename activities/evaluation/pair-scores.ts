import { CodedError } from '../../domain/errors.ts';
import { type ScoredRows, selectRows } from '../../domain/evaluation/metrics.ts';
import type { Target } from '../../domain/target.ts';
import type { Scores } from '../../training/score.ts';

/** A model's answers on the hold-out, and what it was asked. */
export type ScoredModel = { readonly scores: Scores; readonly target: Target };

/** Both models on the same rows, with the same labels and classes; `rows` are their places among the challenger's own scored rows. */
export type ScoredPair = {
  readonly challenger: ScoredRows;
  readonly champion: ScoredRows;
  readonly rows: Uint32Array;
  /** How many rows the champion could score and the challenger could not. */
  readonly unanswered: number;
};

/** The threshold and quantile of a guardrail that names none. */
const defaults = { threshold: 0.5, quantile: 0.5 } as const;

/** A model's own answers, as the metrics take them. */
export function scoredRows({ scores, target }: ScoredModel): ScoredRows {
  const { outputs, width, labels } = scores;
  return { outputs, width, labels, task: target.task, ...defaults };
}

/**
 * Pairs two models by the rows that both could score: a record schema with another field leaves out other rows. The truth is the challenger's
 * target. Of several classes both are laid out over all that either knows; a class that a model does not know has probability 0 there.
 *
 * @throws CodedError INPUT_INVALID when the models do not solve the same task.
 */
export function pairScores(challenger: ScoredModel, champion: ScoredModel): ScoredPair {
  const [task, other] = [challenger.target.task, champion.target.task];
  if (task !== other)
    throw new CodedError(
      'INPUT_INVALID',
      `The challenger's task is ${task}, the champion's ${other}: they cannot be compared. Give the new model a name of its own.`,
      { details: { challenger: task, champion: other } },
    );
  const { own, theirs } = commonRows(challenger.scores.rowNumbers, champion.scores.rowNumbers);
  const ours = select(challenger, own);
  const others = select(champion, theirs);
  const rest = { rows: own, unanswered: champion.scores.labels.length - own.length };
  if (task !== 'multiclass') return { challenger: ours, champion: { ...others, labels: ours.labels }, ...rest };
  const classes = [...new Set([...(challenger.scores.classes ?? []), ...(champion.scores.classes ?? [])])].toSorted();
  const wide = widened(ours, challenger.scores.classes ?? [], classes);
  const otherWide = widened(others, champion.scores.classes ?? [], classes);
  const sameTarget = challenger.target.sql === champion.target.sql;
  const labels = sameTarget
    ? wide.labels.map((label, row) => (label === -1 ? (otherWide.labels[row] ?? -1) : label))
    : wide.labels;
  return { challenger: { ...wide, labels }, champion: { ...otherWide, labels }, ...rest };
}

/** Places of the row numbers that both have; both ascend. */
function commonRows(
  own: Uint32Array,
  theirs: Uint32Array,
): { readonly own: Uint32Array; readonly theirs: Uint32Array } {
  const most = Math.min(own.length, theirs.length);
  const [places, otherPlaces] = [new Uint32Array(most), new Uint32Array(most)];
  let [found, other] = [0, 0];
  for (const [place, row] of own.entries()) {
    while (other < theirs.length && (theirs[other] ?? 0) < row) other += 1;
    if (theirs[other] !== row) continue;
    places[found] = place;
    otherPlaces[found] = other;
    found += 1;
  }
  return { own: places.subarray(0, found), theirs: otherPlaces.subarray(0, found) };
}

/** All rows are handed on as they are: a copy of a large hold-out is not free. */
function select(model: ScoredModel, rows: Uint32Array): ScoredRows {
  const scored = scoredRows(model);
  return rows.length === scored.labels.length ? scored : selectRows(scored, rows);
}

type Widened = ScoredRows & { readonly labels: Float64Array };

/** Columns and labels moved to the places of all classes. */
function widened(scored: ScoredRows, own: readonly string[], classes: readonly string[]): Widened {
  const places = own.map((name) => classes.indexOf(name));
  const rows = scored.labels.length;
  const width = classes.length;
  const outputs = new Float64Array(rows * width);
  const labels = new Float64Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const label = scored.labels[row] ?? -1;
    labels[row] = label < 0 ? -1 : (places[label] ?? -1);
    for (const [column, place] of places.entries())
      outputs[row * width + place] = scored.outputs[row * scored.width + column] ?? Number.NaN;
  }
  return { ...scored, outputs, width, labels };
}
