import { userInfo } from 'node:os';

import type { Config } from '../domain/config.ts';
import type { SnapshotReference } from '../domain/snapshot.ts';
import type { HistoryEntry } from '../domain/snapshot-history.ts';
import { readConfig } from '../project/config.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { connectBucket, connectBucketToWrite, type ConnectOptions } from './connect.ts';
import type { Context } from './context.ts';
import { usageError } from './errors.ts';
import { moment } from './output.ts';
import { withCleanup } from './processes.ts';

/** What a command about snapshots works with. */
export type OpenBucket = { readonly store: ObjectStore; readonly config: Config; readonly connect: ConnectOptions };

/** Opens the bucket to look into it, does the work and closes it. */
export function readingBucket(context: Context, work: (open: OpenBucket) => Promise<number>): Promise<number> {
  return inBucket(context, { connect: connectBucket, work });
}

/** As `readingBucket`, for work that moves a name: compare-and-set needs a bucket whose conditions hold, so that is looked at first. */
export function writingBucket(context: Context, work: (open: OpenBucket) => Promise<number>): Promise<number> {
  return inBucket(context, { connect: connectBucketToWrite, work });
}

/** Who moves something, when and why, for the history. Nothing rests on the account's name: it only helps to ask the right person. */
export function signed(
  why: string | undefined,
  command: string,
): { readonly at: string; readonly who: string; readonly why: string } {
  return { at: new Date().toISOString(), who: accountName(), why: why ?? `perdura snapshot ${command}` };
}

/** The two parts of `flights@latest`; without `@` the name is `latest`. */
export function splitName(text: string): { readonly dataset: string; readonly name: string } {
  const at = text.lastIndexOf('@');
  const [dataset, name] = at === -1 ? [text, 'latest'] : [text.slice(0, at), text.slice(at + 1)];
  if (dataset !== '' && name !== '') return { dataset, name };
  throw usageError('INPUT_INVALID', `'${text}' names no snapshot. Write for example flights@latest.`);
}

/** A snapshot for a person: `flights@3f2a9c0d11e2`. */
export function shortName({ dataset, digest }: Pick<SnapshotReference, 'dataset' | 'digest'>): string {
  return `${dataset}@${digest.slice(0, 12)}`;
}

/** Two lines about a move: what stands where, and why its data version is what it is. */
export function describeEntry(dataset: string, entry: HistoryEntry): string {
  const from =
    entry.from === null || entry.from === entry.to ? '' : `, was ${shortName({ dataset, digest: entry.from })}`;
  const head = `${dataset}@${entry.name} is ${shortName({ dataset, digest: entry.to })}, data version ${entry.dataVersion}${from}`;
  return [head, ...entry.reasons.map((reason) => `  ${printable(reason)}`)].join('\n');
}

/** One row of a table of moves. */
export function entryRow(entry: HistoryEntry): readonly string[] {
  return [
    moment(entry.at),
    entry.event,
    entry.name,
    entry.dataVersion,
    entry.to.slice(0, 12),
    entry.who,
    cut(printable(entry.why), 60),
    cut(entry.reasons.map(printable).join(' '), 90),
  ];
}

/** Text of the data on a terminal: a control character in a name or value must not steer it. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** At most so many characters, the last one an ellipsis where some were cut. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** A size for a person. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return power === 0 ? `${bytes} B` : `${(bytes / 1_000 ** power).toFixed(1)} ${units[power] ?? ''}`;
}

/** How many of something, for a person: `1 file`, `508,239 rows`. */
export function counted(count: number, noun: 'file' | 'row'): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A count for a person: `508,239`. */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

function inBucket(
  { output, environment, folder }: Context,
  options: { readonly connect: typeof connectBucket; readonly work: (open: OpenBucket) => Promise<number> },
): Promise<number> {
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const connect = { cleanup, onProgress: output.progress };
    const store = await options.connect(config, connect);
    return options.work({ store, config, connect });
  });
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that no account has.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
