import type { SnapshotStatistics } from '../../domain/column-statistics.ts';
import type { Expectation } from '../../domain/expectation.ts';
import type { RecordType } from '../../domain/features.ts';
import type { TextDialect } from '../../domain/snapshot.ts';
import type { Task } from '../../domain/target.ts';

/** How a column becomes features. `usual` stands in where it is missing; null: no row lacks it. */
export type ColumnUse =
  /** As it is; of a long tail its logarithm. */
  | { readonly kind: 'number'; readonly logged: boolean; readonly usual: number | null }
  /** Text that holds numbers, but for some words that mean "missing". */
  | { readonly kind: 'numberText'; readonly logged: boolean; readonly words: readonly string[]; readonly usual: number }
  | { readonly kind: 'boolean'; readonly usual: boolean | null }
  /** A missing text is a category of its own. */
  | { readonly kind: 'category' }
  /** `usual`: epoch milliseconds. */
  | { readonly kind: 'time'; readonly parts: readonly TimePart[]; readonly usual: number | null }
  /** Whether it is there is all that it tells. */
  | { readonly kind: 'given' };

export type TimePart = 'hour' | 'weekday' | 'month' | 'year';

/** A column that the model learns from. `optional`: some row lacks it. `name` is unique among the features. */
export type Field = {
  readonly column: string;
  readonly name: string;
  readonly type: RecordType;
  readonly optional: boolean;
  readonly use: ColumnUse;
};

/** A column that is left out: `why` for a person. Some cannot be kept, whatever one says. */
export type LeftOut = {
  readonly column: string;
  readonly reason: 'id' | 'text' | 'constant' | 'empty' | 'type' | 'leak' | 'split';
  readonly why: string;
  readonly keepable: boolean;
};

/** What is learned; `sql` as in `Target`, `why` says how the task was found. */
export type Learned = {
  readonly column: string;
  readonly name: string;
  readonly task: Task;
  readonly sql: string;
  readonly why: string;
};

/** How training and hold-out are told apart. */
export type SplitPlan = { readonly why: string } & (
  | { readonly kind: 'time'; readonly column: string; readonly holdout: number }
  | { readonly kind: 'chance'; readonly seed: number; readonly holdout: number }
);

/** What a model must beat on the hold-out, and what beats nobody: the plain answer's own value there. */
export type Baseline = {
  readonly metric: 'auc' | 'accuracy' | 'logLoss' | 'rmse';
  readonly value: number;
  readonly told: string;
};

/** One value of a record as a client sends it. */
export type RecordValue = number | string | boolean | null;

/** Everything that a project is written from. */
export type LearningPlan = {
  /** Kebab-case; also the dataset's, the model's and the endpoint's name. */
  readonly pipeline: string;
  /** Below `data/`. */
  readonly dataFile: string;
  readonly dialect: TextDialect | null;
  readonly statistics: SnapshotStatistics;
  readonly expectations: readonly Expectation[];
  readonly target: Learned;
  readonly fields: readonly Field[];
  readonly leftOut: readonly LeftOut[];
  readonly split: SplitPlan;
  readonly baseline: Baseline;
  /** A row of the data that lacks as little as possible; times as ISO 8601. */
  readonly example: Readonly<Record<string, RecordValue>>;
};
