import { type Duration, durationMs } from './duration.ts';
import { CodedError } from './errors.ts';

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

/**
 * Which events an aggregate is made of, whatever its window: aggregates of one view share what is stored of them online. The order of `by`
 * counts, because it is the order of the key's parts.
 */
export function viewOf(aggregates: Aggregates, name: string): string {
  const { function: kind, of, by } = declaredAs(aggregates, name);
  return JSON.stringify([aggregates.dataset, aggregates.time, by, kind === 'share' ? 'condition' : 'number', of]);
}

/**
 * The values of the `by` columns in one text, `ORD|LAX`. `%` and `|` inside a value are escaped, nothing else: SQL writes the very same
 * text with two replacements, where JSON's escapes differ from one writer to the next.
 *
 * @throws CodedError INPUT_INVALID when the record lacks a field of `by`.
 */
export function eventKey(aggregate: Aggregate, record: Readonly<Record<string, unknown>>): string {
  return aggregate.by
    .map((name) => {
      const value = record[name];
      if (typeof value === 'string' || typeof value === 'boolean') return escaped(String(value));
      throw new CodedError(
        'INPUT_INVALID',
        `An aggregate is kept by '${name}', which is ${value === undefined ? 'not in the record' : 'neither text nor boolean there'}. Send it as 'record' of features.ts says.`,
        { details: { field: name } },
      );
    })
    .join('|');
}

/** The events that an aggregate sees as of `at`: `from <= time < before`, all in epoch milliseconds. */
export function windowOf(
  aggregates: Aggregates,
  name: string,
  at: number,
): { readonly from: number; readonly before: number } {
  const before = at - durationMs(aggregates.gap);
  return { from: before - durationMs(declaredAs(aggregates, name).over), before };
}

/**
 * The aggregate of a window's values, as DuckDB computes it offline: sums are compensated (Neumaier 1974), so that the order of the values,
 * which differs between the two, is not seen in the result; the standard deviation is that of the population.
 */
export function foldWindow(aggregate: Aggregate, values: readonly number[]): number | null {
  const kind = aggregate.function;
  if (kind === 'count') return values.length;
  if (kind === 'sum') return sumOf(values);
  if (values.length === 0) return null;
  switch (kind) {
    case 'mean':
    case 'share':
      return sumOf(values) / values.length;
    case 'min':
      return values.reduce((least, value) => Math.min(least, value));
    case 'max':
      return values.reduce((most, value) => Math.max(most, value));
    case 'standardDeviation': {
      const middle = sumOf(values) / values.length;
      return Math.sqrt(sumOf(values.map((value) => (value - middle) ** 2)) / values.length);
    }
    default:
      return kind satisfies never;
  }
}

function declaredAs(aggregates: Aggregates, name: string): Aggregate {
  const found = Object.hasOwn(aggregates.values, name) ? aggregates.values[name] : undefined;
  if (found !== undefined) return found;
  throw new CodedError(
    'FEATURES_INVALID',
    `There is no aggregate '${name}'. Declared are: ${Object.keys(aggregates.values).join(', ')}.`,
    { details: { aggregate: name } },
  );
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('|', '%7C');
}

function sumOf(values: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}
