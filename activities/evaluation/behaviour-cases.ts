import type { PastValues } from '../../domain/aggregate.ts';
import { CodedError } from '../../domain/errors.ts';
import { type FeatureModule, fieldType } from '../../domain/features.ts';
import type { BehaviourCases, CaseChange, CaseRecord, CaseRecords } from '../../domain/guardrail.ts';
import type { ModelInput } from './packed-model.ts';

/** Gives records of the hold-out, at equal distances. */
export type Sample = (count: number) => Promise<readonly ModelInput[]>;

/** One case: the record as it was, null where there is nothing to compare with, the record that is tried, and its name for a person. */
export type BehaviourCase = {
  readonly before: ModelInput | null;
  readonly after: ModelInput;
  readonly name: string;
  /** Its place among the examples of `minimumFunctionality`. */
  readonly place: number;
};

type Value = CaseRecord[string];
type Changed = Extract<BehaviourCases, { readonly change: CaseChange }>;

/**
 * Lays the cases out. A change that leaves a record as it is makes no case: it would hold whatever the model does. Records of the hold-out
 * are named by their place alone, because what is recorded for good must not carry their values.
 *
 * @throws CodedError INPUT_INVALID when the changed field is not in the record, or cannot be changed so.
 */
export async function layOutCases(
  features: FeatureModule,
  cases: BehaviourCases,
  sample: Sample,
): Promise<readonly BehaviourCase[]> {
  if (cases.kind === 'minimumFunctionality')
    return cases.examples.map(({ record }, place) => ({
      before: null,
      after: inputOf(features, record),
      name: `example ${place + 1}`,
      place,
    }));
  requireChangeable(features, cases.change);
  const records = await recordsOf(features, cases.of, sample);
  return records.flatMap((before, place) =>
    changes(features, cases, before.record).map(([from, to]) => ({
      before,
      after: { ...before, record: { ...before.record, [cases.change.field]: to } },
      name: `record ${place + 1}, ${cases.change.field} ${changeText(cases, from, to)}`,
      place,
    })),
  );
}

async function recordsOf(features: FeatureModule, of: CaseRecords, sample: Sample): Promise<readonly ModelInput[]> {
  return 'sample' in of ? sample(of.sample) : of.records.map((record) => inputOf(features, record));
}

/** A written record may carry its aggregates by name; those that it leaves out are as where nothing has happened. */
function inputOf({ aggregates }: FeatureModule, record: CaseRecord): ModelInput {
  const past: Record<string, number | null> = {};
  for (const [name, { function: kind }] of Object.entries(aggregates?.values ?? {})) {
    const given = record[name];
    past[name] = typeof given === 'number' ? given : kind === 'count' || kind === 'sum' ? 0 : null;
  }
  return { record, past: past satisfies PastValues };
}

/** Each value that the field goes to, with the one that it had. */
function changes(
  features: FeatureModule,
  { change }: Changed,
  record: CaseRecord,
): readonly (readonly [Value, Value])[] {
  const from = record[change.field] ?? null;
  const all: readonly Value[] = 'to' in change ? change.to : [counted(features, change, from)];
  return all.filter((to) => to !== from).map((to) => [from, to] as const);
}

/** A time is moved by milliseconds. A field that is null stays so. */
function counted(features: FeatureModule, change: Exclude<CaseChange, { readonly to: unknown }>, from: Value): Value {
  if (from === null) return null;
  const field = features.record[change.field] ?? 'number';
  const isTime = fieldType(field).type === 'timestamp';
  const value = isTime ? Date.parse(String(from)) : Number(from);
  const next = 'add' in change ? value + change.add : value * change.multiply;
  return isTime ? new Date(next).toISOString() : next;
}

function requireChangeable(features: FeatureModule, change: CaseChange): void {
  const field = Object.hasOwn(features.record, change.field) ? features.record[change.field] : undefined;
  if (field === undefined)
    throw new CodedError(
      'INPUT_INVALID',
      `A behaviour guardrail changes '${change.field}', which is not in the record. It has: ${Object.keys(features.record).join(', ')}.`,
      { details: { field: change.field } },
    );
  const { type } = fieldType(field);
  const fits = 'to' in change || type === 'number' || (type === 'timestamp' && 'add' in change);
  if (fits) return;
  throw new CodedError(
    'INPUT_INVALID',
    `A behaviour guardrail counts with '${change.field}', which is a ${type}. Write the values that it goes to: { field: '${change.field}', to: […] }.`,
    { details: { field: change.field, type } },
  );
}

/** What an author wrote himself may be shown. */
function changeText({ of, change }: Changed, from: Value, to: Value): string {
  if (!('sample' in of)) return `${JSON.stringify(from)} → ${JSON.stringify(to)}`;
  if ('to' in change) return `→ ${JSON.stringify(to)}`;
  return 'add' in change ? `+ ${change.add}` : `· ${change.multiply}`;
}
