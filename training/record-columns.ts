import { fieldType, type FeatureModule, type RecordField, type RecordSchema } from '../domain/features.ts';
import { pastColumn } from '../stores/features/as-of-join.ts';
import { identifier } from '../stores/tables.ts';

/** What a query of labelled rows selects, in this order: the record's fields, the aggregates. Without aliases: one could hide a column that a condition names. */
export function recordColumns(features: FeatureModule): readonly string[] {
  return [
    ...Object.entries(features.record).map(([name, field]) => fieldSql(name, field)),
    ...pastNames(features).map((name) => identifier(pastColumn(name))),
  ];
}

/** The declared aggregates by name. */
export function pastNames({ aggregates }: FeatureModule): readonly string[] {
  return aggregates === null ? [] : Object.keys(aggregates.values);
}

/** The condition that no field of a row's record is missing which may not be: such a row is skipped. */
export function wholeRecordSql(record: RecordSchema): string {
  const conditions = Object.entries(record).flatMap(([name, field]) => {
    const { type, optional } = fieldType(field);
    const column = fieldSql(name, field);
    const whole = type === 'number' || type === 'timestamp' ? `isfinite(${column})` : `${column} IS NOT NULL`;
    if (!optional) return [`coalesce(${whole}, false)`];
    return type === 'number' || type === 'timestamp' ? [`coalesce(${whole}, true)`] : [];
  });
  return conditions.length === 0 ? 'true' : conditions.join(' AND ');
}

/** The column as the record's field: DOUBLE keeps BIGINT from arriving as bigint, timestamps become epoch milliseconds. */
function fieldSql(name: string, field: RecordField): string {
  const column = identifier(name);
  const { type } = fieldType(field);
  switch (type) {
    case 'number':
      return `CAST(${column} AS DOUBLE)`;
    case 'string':
      return `CAST(${column} AS VARCHAR)`;
    case 'boolean':
      return `CAST(${column} AS BOOLEAN)`;
    case 'timestamp':
      return `CAST(epoch_ms(CAST(${column} AS TIMESTAMP)) AS DOUBLE)`;
    default:
      return type satisfies never;
  }
}
