import { CodedError } from '../../domain/errors.ts';
import type { DataFormat } from '../../domain/snapshot.ts';

/** How the bytes of a text file are packed. */
export type Compression = 'none' | 'gzip' | 'zstd';

const formats: Readonly<Record<string, DataFormat>> = {
  parquet: 'parquet',
  csv: 'csv',
  tsv: 'tsv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
};
const compressions: Readonly<Record<string, Compression>> = { gz: 'gzip', zst: 'zstd' };

/**
 * The format that an object's name tells, behind an ending for its compression.
 *
 * @throws CodedError DATA_UNREADABLE for any other ending: guessing from bytes would read some files as something they are not.
 */
export function dataFormat(key: string): DataFormat {
  const format = knownFormat(key);
  if (format !== null) return format;
  throw new CodedError(
    'DATA_UNREADABLE',
    `${key}: the name tells no known format. Add the data as .parquet, .csv, .tsv or .jsonl; text also as .gz or .zst.`,
    { details: { key } },
  );
}

/** The compression that an object's name tells; Parquet is packed inside. */
export function compressionOf(key: string): Compression {
  return own(compressions, endingOf(key)) ?? 'none';
}

function knownFormat(key: string): DataFormat | null {
  const packed = compressionOf(key) !== 'none';
  const format = own(formats, endingOf(packed ? key.slice(0, key.lastIndexOf('.')) : key));
  return format === undefined || (packed && format === 'parquet') ? null : format;
}

function endingOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1).toLowerCase();
}

function own<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
