import { join } from 'node:path';
import {
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBDoubleVector,
  DuckDBFloatVector,
  DuckDBInstance,
  FLOAT,
  VARCHAR,
} from '@duckdb/node-api';
import { type EncodedRows, type FeatureNames } from '../../domain/features.ts';
import { labelColumn } from '../../domain/program-job.ts';
import type { Task } from '../../domain/target.ts';
import { identifier, literal } from '../../stores/tables.ts';

/** Rows that are appended one batch after another, and then one Parquet file. It owns a DuckDB instance: close it. */
export type ParquetWriter = {
  append(rows: EncodedRows, labels: Float64Array): void;
  finish(file: string): Promise<void>;
  close(): void;
};

/** What the columns are. `classes` are those that a multiclass label is a place in. */
export type ParquetColumns = {
  readonly names: FeatureNames;
  readonly task: Task;
  readonly classes: readonly string[] | null;
};

/** Not compressed, and dictionaries for categories alone: twice as fast to write, and as fast to read. */
export const parquetOptions = 'FORMAT parquet, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 10000';

/** DuckDB's own size of a batch. */
const chunkRows = 2_048;
const labelTypes = { binary: BOOLEAN, multiclass: VARCHAR, regression: DOUBLE } as const;

/** Opens a writer; what does not fit into its memory goes to `folder`. */
export async function openParquetWriter(columns: ParquetColumns, folder: string): Promise<ParquetWriter> {
  const { numbers, categories } = columns.names;
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: '768MiB',
    threads: '2',
    temp_directory: join(folder, 'writer'),
  });
  const connection = await instance.connect();
  const label = labelTypes[columns.task];
  const fields = [
    ...numbers.map((name) => `${identifier(name)} FLOAT`),
    ...categories.map((name) => `${identifier(name)} VARCHAR`),
    `${identifier(labelColumn)} ${label.toString()}`,
  ];
  await connection.run(`CREATE TABLE rows (${fields.join(', ')})`);
  const appender = await connection.createAppender('rows');
  const types = [...numbers.map(() => FLOAT), ...categories.map(() => VARCHAR), label];
  return {
    append(rows, labels) {
      for (let from = 0; from < rows.rows; from += chunkRows) {
        const count = Math.min(chunkRows, rows.rows - from);
        const chunk = DuckDBDataChunk.create(types, count);
        fillNumbers(chunk, { rows, from, count, width: numbers.length });
        fillCategories(chunk, { rows, from, count, width: categories.length, first: numbers.length });
        fillLabels(chunk, labels.subarray(from, from + count), columns);
        appender.appendDataChunk(chunk);
      }
    },
    async finish(file) {
      appender.closeSync();
      await copyTo(connection, file);
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

type Part = { readonly rows: EncodedRows; readonly from: number; readonly count: number; readonly width: number };

async function copyTo(connection: DuckDBConnection, file: string): Promise<void> {
  await connection.run(`COPY rows TO ${literal(file)} (${parquetOptions})`);
}

/** Through the vector: converting whole columns is five times slower. */
function fillNumbers(chunk: DuckDBDataChunk, { rows, from, count, width }: Part): void {
  for (let column = 0; column < width; column += 1) {
    const vector = chunk.getColumnVector(column);
    if (!(vector instanceof DuckDBFloatVector)) throw new TypeError('a FLOAT column has no float vector');
    for (let row = 0, place = from * width + column; row < count; row += 1, place += width)
      vector.setItem(row, rows.numbers[place] ?? 0);
    vector.flush();
  }
}

function fillCategories(
  chunk: DuckDBDataChunk,
  { rows, from, count, width, first }: Part & { readonly first: number },
): void {
  for (let column = 0; column < width; column += 1) {
    const values = Array.from({ length: count }, (_, row) => rows.categories[(from + row) * width + column] ?? '');
    chunk.setColumnValues(first + column, values);
  }
}

function fillLabels(chunk: DuckDBDataChunk, labels: Float64Array, { names, task, classes }: ParquetColumns): void {
  const column = names.numbers.length + names.categories.length;
  switch (task) {
    case 'binary':
      return chunk.setColumnValues(
        column,
        [...labels].map((label) => label === 1),
      );
    case 'multiclass':
      return chunk.setColumnValues(
        column,
        [...labels].map((label) => classes?.[label] ?? null),
      );
    case 'regression': {
      const vector = chunk.getColumnVector(column);
      if (!(vector instanceof DuckDBDoubleVector)) throw new TypeError('a DOUBLE column has no double vector');
      labels.forEach((label, row) => vector.setItem(row, label));
      return vector.flush();
    }
    default:
      return task satisfies never;
  }
}
