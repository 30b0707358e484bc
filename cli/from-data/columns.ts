import { camelCase, counted, uniqueName } from './words.ts';
import { type ColumnFacts, columnFacts, type NumberFacts } from './column-facts.ts';
import { findLeak } from './leakage.ts';
import type { ColumnUse, Field, Learned, LeftOut, TimePart } from './plan.ts';
import type { Source } from './source.ts';
import { labelSql } from './target.ts';

/** What becomes of the columns. */
export type ChosenColumns = { readonly fields: readonly Field[]; readonly leftOut: readonly LeftOut[] };

/** Text of more values than this is of names or sentences, unless each comes often. */
const mostCategories = 50;
const rowsPerCategory = 5;
/** A whole number that differs in each row is a key where there are so many rows: no measured quantity does that. */
const manyRows = 1_000;
const keyName =
  /(?:^|[_\s-])(?:id|uuid|guid|key|no|nr|number|index|idx|row)$|(?:Id|ID|Uuid|Key|No|Number|Index)$|^(?:id|unnamed: 0)$/i;
/** Of fewer days a weekday tells which day it was. */
const fewestDays = 28;
/** Of FP32, with room for what a model computes of it. */
const largestNumber = 1e30;
const day = 86_400_000;

/**
 * Decides for each column but the target whether and how it is learned from, and says why one is not. `keep` names columns that are learned
 * from although they look like keys or give the target away; `splitBy` is the column that the data is split by, if there is one.
 */
export async function chooseColumns(
  source: Source,
  target: Learned,
  options: { readonly keep: readonly string[]; readonly splitBy: string | null },
): Promise<ChosenColumns> {
  const fields: Field[] = [];
  const leftOut: LeftOut[] = [];
  const names = new Set<string>();
  for (const column of source.columns.filter(({ name }) => name !== target.column)) {
    const facts = await columnFacts(source, column);
    const kept = options.keep.includes(column.name);
    const splits = column.name === options.splitBy;
    const use = useOf(facts, { source, splits });
    const reason = await reasonAgainst(source, { facts, use, target, splits });
    if (use === null || (reason !== null && !(kept && reason.keepable))) {
      if (reason !== null) leftOut.push(reason);
      continue;
    }
    const name = uniqueName(camelCase(column.name), names);
    // A flag or a part of a time stands under a longer name beside it.
    for (const end of ['', 'Missing', 'Given', 'Hour', 'Weekday', 'Month', 'Year']) names.add(`${name}${end}`);
    const type = column.type === 'integer' || column.type === 'other' ? 'number' : column.type;
    fields.push({ column: column.name, name, type, optional: facts.present < source.rows, use });
  }
  return { fields, leftOut };
}

type Considered = {
  readonly facts: ColumnFacts;
  readonly use: ColumnUse | null;
  readonly target: Learned;
  readonly splits: boolean;
};

async function reasonAgainst(source: Source, { facts, use, target, splits }: Considered): Promise<LeftOut | null> {
  const { column, present, distinct, mode } = facts;
  const against = (reason: LeftOut['reason'], why: string, keepable = false): LeftOut => ({
    column: column.name,
    reason,
    why,
    keepable,
  });
  if (column.type === 'other') return against('type', 'lists and structures are no features');
  if (present === 0) return against('empty', 'it has no value in any row');
  const { numbers } = facts;
  const largest = numbers === null ? 0 : Math.max(Math.abs(numbers.min), Math.abs(numbers.max));
  if (largest > largestNumber && column.type !== 'timestamp' && (use === null || !('logged' in use) || !use.logged))
    return against('type', `its numbers reach ${largest}, more than the 32 bits of a model's number hold`);
  if (distinct === 1 && present === source.rows) return against('constant', `it is '${mode ?? ''}' in each row`);
  if (splits && use === null) return against('split', 'it only says when a row is from, and the data is split by it');
  const key = keyReason(source, facts);
  if (key !== null) return against(key.reason, key.why, true);
  const leak = splits ? null : await findLeak(source, facts, { task: target.task, label: labelSql(target) });
  if (leak === null) return null;
  const value = `${leak.measure} ${leak.value.toFixed(4)}`;
  return against(
    'leak',
    `alone it predicts '${target.column}' (${value}): perhaps it is only known once the outcome is`,
    true,
  );
}

function keyReason(
  { rows }: Source,
  { column, present, distinct, numbers, words }: ColumnFacts,
): { readonly reason: 'id' | 'text'; readonly why: string } | null {
  const all = distinct === present && present > 1;
  if (column.type === 'integer' && all && present === rows && numbers !== null) {
    const dense = numbers.max - numbers.min < 2 * rows;
    if (dense || rows >= manyRows || keyName.test(column.name))
      return { reason: 'id', why: 'each row has its own number' };
  }
  if (column.type !== 'string' || words.length > 0) return null;
  if (all) return { reason: 'id', why: 'each row has its own text' };
  if (distinct <= mostCategories || present / distinct >= rowsPerCategory) return null;
  return {
    reason: 'text',
    why: `${counted(distinct, 'different text')} in ${counted(present, 'row')}: names, or sentences`,
  };
}

/** Null: nothing of it can be learned from. */
function useOf(
  facts: ColumnFacts,
  { source, splits }: { readonly source: Source; readonly splits: boolean },
): ColumnUse | null {
  const { column, numbers, words, present, distinct, mode } = facts;
  const missing = present < source.rows;
  if (distinct <= 1) return present > 0 && missing && column.type !== 'other' ? { kind: 'given' } : null;
  switch (column.type) {
    case 'boolean':
      return { kind: 'boolean', usual: missing ? mode === 'true' : null };
    case 'string':
      if (words.length === 0 || numbers === null) return { kind: 'category' };
      return { kind: 'numberText', logged: hasLongTail(numbers), words, usual: stated(numbers.median) };
    case 'integer':
    case 'number':
      if (numbers === null) return null;
      return { kind: 'number', logged: hasLongTail(numbers), usual: missing ? stated(numbers.median) : null };
    case 'timestamp': {
      const parts = numbers === null ? [] : timeParts(numbers, splits);
      if (parts.length === 0 || numbers === null) return null;
      return { kind: 'time', parts, usual: missing ? Math.round(numbers.median / day) * day : null };
    }
    case 'other':
      return null;
    default:
      return column.type satisfies never;
  }
}

/** Amounts: a few are many times the others, and in their logarithms they are not. */
function hasLongTail({ min, skewness, loggedSkewness }: NumberFacts): boolean {
  if (min < 0 || skewness === null || loggedSkewness === null) return false;
  return skewness > 2 && Math.abs(loggedSkewness) < skewness / 2;
}

/** Only what comes again: of the time that the data is split by, each later year is one that training never saw. */
function timeParts({ min, max, whole, days, months }: NumberFacts, splits: boolean): readonly TimePart[] {
  const span = (max - min) / day;
  return [
    ...(whole ? [] : (['hour'] as const)),
    ...(days >= fewestDays ? (['weekday'] as const) : []),
    ...(months > 1 && span >= (splits ? 730 : 180) ? (['month'] as const) : []),
    ...(splits || span < 365 ? [] : (['year'] as const)),
  ];
}

/** Six digits say what stands in for a missing value. */
function stated(value: number): number {
  return Number(value.toPrecision(6));
}
