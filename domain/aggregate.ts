import type { Duration } from './duration.ts';

export type AggregateFunction = 'count' | 'sum' | 'mean' | 'share' | 'min' | 'max' | 'standardDeviation';

/** One number about the past: a function of the events of one key within a window that ends `gap` before the moment asked for. */
export type Aggregate = {
  readonly function: AggregateFunction;
  /** SQL expression (DuckDB) over one event's columns: a number, or for `share` a condition; null leaves the event out. For `count` it is `'true'`. */
  readonly of: string;
  /** Columns that say which events belong together; text or boolean fields of the record. */
  readonly by: readonly string[];
  readonly over: Duration;
};

/**
 * Aggregates over time, declared by a pipeline's features.ts as `aggregates`: plain JSON. As of a moment T an aggregate sees the events of
 * its key with `T - gap - over <= time < T - gap`: `gap` is how long after its time an event's values are known for certain, so that
 * training never sees what serving could not have known. An event never sees itself.
 */
export type Aggregates = {
  /** The dataset whose rows are the events. */
  readonly dataset: string;
  /** The timestamp column of the events, and the field of the record that says as of when. */
  readonly time: string;
  readonly gap: Duration;
  readonly values: Readonly<Record<string, Aggregate>>;
};

/** What a feature function gets of the past; null where the window holds no event (`count` and `sum` are 0 there). */
export type PastValues = Readonly<Record<string, number | null>>;

/** The past as an author's declaration has it. */
export type Past<Declared extends Aggregates> = { readonly [Name in keyof Declared['values']]: number | null };

type Window = { readonly by: readonly string[]; readonly over: Duration };

/** Declares aggregates; gives them back as they are, with their names kept for `Past`. */
export function aggregates<const Declared extends Aggregates>(declared: Declared): Declared {
  return declared;
}

/** Number of events. */
export function count(window: Window): Aggregate {
  return { function: 'count', of: 'true', ...window };
}

/** Sum of a column or SQL expression. */
export function sum(of: string, window: Window): Aggregate {
  return { function: 'sum', of, ...window };
}

/** @example mean('delay', { by: ['origin'], over: '3 hours' }) */
export function mean(of: string, window: Window): Aggregate {
  return { function: 'mean', of, ...window };
}

/** Share of events for which a SQL condition holds. @example share('delay > 15', { by: ['origin', 'destination'], over: '1 day' }) */
export function share(of: string, window: Window): Aggregate {
  return { function: 'share', of, ...window };
}

/** Smallest value. */
export function min(of: string, window: Window): Aggregate {
  return { function: 'min', of, ...window };
}

/** Largest value. */
export function max(of: string, window: Window): Aggregate {
  return { function: 'max', of, ...window };
}

/** Standard deviation of the population. */
export function standardDeviation(of: string, window: Window): Aggregate {
  return { function: 'standardDeviation', of, ...window };
}
