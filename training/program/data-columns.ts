import { type DuckDBDataChunk, DuckDBFloatVector, DuckDBInstance } from '@duckdb/node-api';
import type { EncodedRows, FeatureNames } from '../../domain/features.ts';
import { identifier, literal } from '../../stores/tables.ts';
import { evenlySpacedSql } from './training-data.ts';

/** So many rows, evenly spaced in all of them. */
export type EvenSample = { readonly rows: number; readonly of: number };

/** Columns of a data file as typed arrays. It owns a DuckDB instance: close it. */
export type DataColumns = {
  /** Number features of evenly spaced rows, each its own array. */
  floats(names: readonly string[], sample: EvenSample): Promise<readonly Float32Array[]>;
  /** How often each value of a category feature occurs in evenly spaced rows. */
  counts(name: string, sample: EvenSample): Promise<ReadonlyMap<string, number>>;
  /** `sample` evenly spaced rows of `of`, in batches of up to 2048, in their order. */
  rows(names: FeatureNames, sample: number, of: number): AsyncIterable<EncodedRows>;
  close(): void;
};

/** Opens a Parquet file that this package wrote. */
export async function openDataColumns(file: string): Promise<DataColumns> {
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '512MiB', threads: '1' });
  const connection = await instance.connect();
  const from = `read_parquet(${literal(file)})`;
  return {
    async floats(names, sample) {
      const columns = names.map(() => new Float32Array(sample.rows));
      let next = 0;
      const sql = `SELECT ${names.map(identifier).join(', ')} FROM ${from} WHERE ${chosenSql(sample)}`;
      for await (const chunk of await connection.stream(sql)) {
        columns.forEach((values, index) => fill(values, next, { chunk, index }));
        next += chunk.rowCount;
      }
      return columns;
    },
    async counts(name, sample) {
      const column = identifier(name);
      const found = await connection.runAndReadAll(
        `SELECT ${column}, count(*)::INTEGER FROM ${from} WHERE ${chosenSql(sample)} GROUP BY 1`,
      );
      return new Map(found.getRows().map(([value, count]) => [String(value), Number(count)]));
    },
    async *rows(names, sample, of) {
      const columns = [...names.numbers, ...names.categories].map(identifier).join(', ');
      const chosen = chosenSql({ rows: sample, of });
      const result = await connection.stream(`SELECT ${columns} FROM ${from} WHERE ${chosen}`);
      for await (const chunk of result) yield encoded(chunk.getColumns(), names, chunk.rowCount);
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

function chosenSql({ rows, of }: EvenSample): string {
  return evenlySpacedSql('(file_row_number + 1)', rows, of);
}

function fill(
  values: Float32Array,
  next: number,
  { chunk, index }: { readonly chunk: DuckDBDataChunk; readonly index: number },
): void {
  const vector = chunk.getColumnVector(index);
  if (!(vector instanceof DuckDBFloatVector)) throw new TypeError('a number feature is not FLOAT');
  for (let row = 0; row < chunk.rowCount; row += 1) values[next + row] = vector.getItem(row) ?? Number.NaN;
}

function encoded(columns: readonly (readonly unknown[])[], names: FeatureNames, rows: number): EncodedRows {
  const width = names.numbers.length;
  const numbers = new Float32Array(rows * width);
  for (let column = 0; column < width; column += 1)
    columns[column]?.forEach((value, row) => {
      numbers[row * width + column] = Number(value);
    });
  const texts = columns.slice(width);
  const categories: string[] = [];
  for (let row = 0; row < rows; row += 1) for (const values of texts) categories.push(String(values[row]));
  return { rows, numbers, categories };
}
