import type { AggregateFunction, Aggregates } from '../../domain/aggregate.ts';
import { type Duration, durationMs } from '../../domain/duration.ts';
import type { RecordSchema } from '../../domain/features.ts';

/** The aggregates that a features.ts exports, or what is wrong with them. */
export type SoundAggregates =
  | { readonly aggregates: Aggregates | null; readonly problem: null }
  | { readonly aggregates: null; readonly problem: string };

type Parts = Readonly<Record<string, unknown>>;

const functions: ReadonlySet<unknown> = new Set<AggregateFunction>([
  'count',
  'sum',
  'mean',
  'share',
  'min',
  'max',
  'standardDeviation',
]);

/**
 * Looks at the `aggregates` of a features.ts before anything is computed with them, so that a mistake is named as one and does not end as
 * a null at every row. Null where none are declared.
 */
export function soundAggregates(record: RecordSchema, declared: unknown): SoundAggregates {
  if (declared === null) return { aggregates: null, problem: null };
  const problem = problemOf(record, declared);
  return problem === null ? { aggregates: declared as Aggregates, problem } : { aggregates: null, problem };
}

function problemOf(record: RecordSchema, declared: unknown): string | null {
  if (!isParts(declared)) return 'it must be an object with dataset, time, gap and values';
  const { dataset, time, gap, values } = declared;
  if (typeof dataset !== 'string' || dataset === '')
    return `dataset ${said(dataset)} must name the dataset of the events`;
  if (typeof time !== 'string' || fieldOf(record, time) !== 'timestamp')
    return `time ${said(time)} must be a field of the record of type timestamp`;
  if (wholeMs(gap) === null) return `gap ${said(gap)} must be a duration of whole milliseconds, such as '6 hours'`;
  if (!isParts(values) || Object.keys(values).length === 0)
    return "values must name one aggregate at least, such as meanDelay: mean('delay', { by: ['origin'], over: '3 hours' })";
  for (const [name, value] of Object.entries(values)) {
    const problem = problemOfOne(record, value);
    if (problem !== null) return `aggregate '${name}': ${problem}`;
  }
  return null;
}

function problemOfOne(record: RecordSchema, declared: unknown): string | null {
  if (!isParts(declared)) return 'it must be made by count, sum, mean, share, min, max or standardDeviation';
  const { function: kind, of, by, over } = declared;
  if (!functions.has(kind)) return `there is no function ${said(kind)}; there are ${[...functions].join(', ')}`;
  if (typeof of !== 'string' || of.trim() === '') return `of ${said(of)} must be a column or an SQL expression`;
  if (!Array.isArray(by)) return `by ${said(by)} must be a list of columns`;
  for (const name of by) {
    const type = fieldOf(record, name);
    if (type !== 'string' && type !== 'boolean')
      return `by ${said(name)} must be a field of the record of type string or boolean${type === null ? ', and is no field of it' : `, and is a ${type}`}`;
  }
  if (new Set(by).size < by.length) return `by ${said(by)} names a column twice`;
  const overMs = wholeMs(over);
  return overMs === null || overMs === 0
    ? `over ${said(over)} must be a duration of at least one millisecond, such as '3 hours'`
    : null;
}

function fieldOf(record: RecordSchema, name: unknown): string | null {
  return typeof name === 'string' && Object.hasOwn(record, name) ? (record[name] ?? null) : null;
}

/** Time is kept in whole milliseconds, online and offline. */
function wholeMs(duration: unknown): number | null {
  if (typeof duration !== 'string') return null;
  try {
    const ms = durationMs(duration as Duration);
    return Number.isSafeInteger(ms) ? ms : null;
  } catch {
    return null;
  }
}

function isParts(value: unknown): value is Parts {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function said(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}
