import type { TextDialect } from '../domain/snapshot.ts';

/** What a command line says of how text files are written. */
export type DialectOptions = {
  readonly delimiter?: string;
  readonly quote?: string;
  readonly encoding?: NonNullable<TextDialect['encoding']>;
  readonly columns?: string;
};

/** The dialect of these options; null where nothing is said. A tab is hard to type on a command line, so `\t` stands for it. */
export function dialectOf({ delimiter, quote, encoding, columns }: DialectOptions): TextDialect | null {
  const dialect = {
    ...(delimiter === undefined ? {} : { delimiter: delimiter === '\\t' ? '\t' : delimiter }),
    ...(quote === undefined ? {} : { quote }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(columns === undefined ? {} : { columns: columns.split(',').map((name) => name.trim()) }),
  };
  return Object.keys(dialect).length === 0 ? null : dialect;
}
