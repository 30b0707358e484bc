import { type FeatureModule, fieldType, type RecordField } from '../../domain/features.ts';
import type { CaseRecord } from '../../domain/guardrail.ts';
import type { Target } from '../../domain/target.ts';
import { relationSql } from '../../stores/slices.ts';
import type { Tables } from '../../stores/tables.ts';
import { dataError } from '../../training/data-error.ts';
import { pastNames, recordColumns, wholeRecordSql } from '../../training/record-columns.ts';
import { withRows } from '../../training/with-rows.ts';
import type { ModelInput } from './packed-model.ts';

/** The rows that records are taken of, and the model that is asked about them. */
export type SampleSource = {
  readonly parquetFiles: readonly string[];
  readonly where: string;
  readonly dataset: string;
  readonly workFolder: string;
  readonly target: Target;
  readonly features: FeatureModule;
};

/**
 * Up to `count` records of the rows, at equal distances in file order, as a client would send them, with their aggregates as of their time.
 * Rows that lack a field which must be there are left out: the model server refuses them.
 *
 * @throws CodedError DATA_UNREADABLE, INPUT_INVALID or FEATURES_INVALID, as reading labelled rows does.
 */
export async function sampleRecords(source: SampleSource, count: number): Promise<readonly ModelInput[]> {
  return withRows(source, { ...source, memoryLimit: '512MiB' }, async (tables, { parquetFiles, where }) => {
    try {
      return await readSample(tables, { ...source, parquetFiles, where }, count);
    } catch (error) {
      throw dataError(error);
    }
  });
}

async function readSample(tables: Tables, source: SampleSource, count: number): Promise<readonly ModelInput[]> {
  const { features, parquetFiles, where } = source;
  const from = `FROM ${relationSql(parquetFiles)} WHERE (${where}\n) AND ${wholeRecordSql(features.record)}`;
  const [counted] = await tables.all(`SELECT count(*) AS n ${from}`);
  const rows = Number(counted?.['n'] ?? 0);
  if (rows === 0) return [];
  // One row of each of `count` equal parts. A number without PARTITION and ORDER streams in file order.
  const part = (row: string) => `(CAST(${row} AS HUGEINT) * ${count}) // ${rows}`;
  const sql = `SELECT ${recordColumns(features).join(', ')} ${from}
    QUALIFY ${part('row_number() OVER ()')} > ${part('(row_number() OVER () - 1)')}`;
  const inputs: ModelInput[] = [];
  for await (const columns of tables.columnChunks(sql))
    for (let row = 0; row < (columns[0]?.length ?? 0); row += 1) inputs.push(inputAt(features, columns, row));
  return inputs;
}

function inputAt(features: FeatureModule, columns: readonly (readonly unknown[])[], row: number): ModelInput {
  const fields = Object.entries(features.record);
  const record = fields.map(([name, field], place) => [name, asSent(field, columns[place]?.[row])] as const);
  const past = pastNames(features).map((name, place) => {
    const value = columns[fields.length + place]?.[row];
    return [name, typeof value === 'number' ? value : null] as const;
  });
  return { record: Object.fromEntries(record), past: Object.fromEntries(past) };
}

/** Timestamps travel as ISO text; what is no number is null, as training reads it. */
function asSent(field: RecordField, value: unknown): CaseRecord[string] {
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  if (typeof value === 'number') return fieldType(field).type === 'timestamp' ? new Date(value).toISOString() : value;
  return typeof value === 'string' || typeof value === 'boolean' ? value : null;
}
