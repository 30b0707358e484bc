import { CodedError } from '../../domain/errors.ts';
import type { Arrival, Snapshot, SnapshotReference } from '../../domain/snapshot.ts';
import { dataFormat, localParquet, unreadable } from '../../stores/data-files.ts';
import { readDataset } from '../../stores/datasets.ts';
import { relationSql } from '../../stores/slices.ts';
import { sealSnapshot } from '../../stores/snapshots/manifest.ts';
import type { Tables } from '../../stores/tables.ts';
import type { DataActivities } from './contract.ts';
import type { DataDependencies } from './dependencies.ts';
import { describeFiles, deviations, type Layout, type LocalFile } from '../../stores/snapshots/describe-files.ts';
import { beating, inWorkArea, rowsText } from './work-area.ts';

type Request = Parameters<DataActivities['createSnapshot']>[0];

/** Names that quarantine and row numbers need; DuckDB gives rows their place under the first two. */
const reservedColumns = ['file_index', 'file_row_number', '_key', '_row', '_codes'];

/**
 * Seals a snapshot of arrived objects: pins their versions, reads every value once, and writes down rows and columns. The files' order is
 * the request's order. The same objects give the same digest, so a repeated call changes nothing.
 *
 * @throws CodedError NOT_FOUND for an object that has not arrived; DATA_UNREADABLE for one that is empty or damaged; INPUT_INVALID for an
 * empty list, a doubled key, a reserved column name, or a `from` that is no name.
 */
export async function createSnapshot(deps: DataDependencies, request: Request): Promise<SnapshotReference> {
  requireNames(request);
  const arrivals = chosenArrivals((await readDataset(deps.store, request.dataset)).arrivals, request);
  const snapshot = await inWorkArea(deps.cacheFolder, async ({ tables }) => {
    const files: (LocalFile & { readonly rows: number })[] = [];
    for (const arrival of arrivals) {
      const path = await beating(deps.heartbeat, `fetching ${arrival.key}`, () =>
        localParquet(deps, { ...arrival, format: dataFormat(arrival.key) }),
      );
      const file = { key: arrival.key, path };
      const rows = await beating(deps.heartbeat, `reading ${arrival.key}`, () => readWhole(tables, file));
      deps.heartbeat(`read ${rowsText(rows)} of ${arrival.key}`);
      files.push({ ...file, rows });
    }
    const layout = await describeFiles(tables, files);
    refuseReserved(layout);
    if (files.length > 1) await readTogether(tables, files);
    return manifest({ dataset: request.dataset, arrivals, rows: files.map((file) => file.rows), layout });
  });
  return sealSnapshot(deps.store, snapshot);
}

/** A pipeline hands on what it was called with, so a parameter that is missing or misspelt arrives here as no text at all. */
function requireNames({ dataset, from }: { readonly dataset: string; readonly from: unknown }): void {
  const names: unknown = typeof from === 'string' ? [from] : from;
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return;
  throw new CodedError(
    'INPUT_INVALID',
    `A snapshot of ${dataset} was asked from ${JSON.stringify(from) ?? 'nothing'}, which names no arrived data. Give the pipeline 'newest' or arrived keys, for example with --param data=newest.`,
    { details: { dataset, from: from ?? null } },
  );
}

function chosenArrivals(arrivals: readonly Arrival[], request: Request): readonly Arrival[] {
  if (request.from === 'newest') {
    const newest = arrivals.at(-1);
    if (newest === undefined) throw missing(request.dataset, 'anything', arrivals);
    return [newest];
  }
  const names = typeof request.from === 'string' ? [request.from] : request.from;
  if (names.length === 0) {
    throw new CodedError(
      'INPUT_INVALID',
      `A snapshot of ${request.dataset} needs at least one object. Name arrived keys, or 'newest'.`,
    );
  }
  const chosen = names.map((name) => arrivalOf(arrivals, name, request.dataset));
  const doubled = chosen.find((arrival, index) => chosen.findIndex((other) => other.key === arrival.key) !== index);
  if (doubled !== undefined) {
    throw new CodedError('INPUT_INVALID', `${doubled.key} is named twice. Name each object of a snapshot once.`);
  }
  return chosen;
}

/** The newest arrival of that key; the name alone does as well as the whole key. */
function arrivalOf(arrivals: readonly Arrival[], name: string, dataset: string): Arrival {
  const found = arrivals.findLast((arrival) => arrival.key === name || arrival.key === `data/${dataset}/${name}`);
  if (found === undefined) throw missing(dataset, name, arrivals);
  return found;
}

function missing(dataset: string, name: string, arrivals: readonly Arrival[]): CodedError {
  const keys = [...new Set(arrivals.map((arrival) => arrival.key))].slice(-5);
  const known = keys.length === 0 ? 'Nothing has arrived yet.' : `Arrived last: ${keys.join(', ')}.`;
  return new CodedError(
    'NOT_FOUND',
    `Dataset ${dataset} has no arrival '${name}'. ${known} Add the file with 'perdura data add ${dataset} <file>'.`,
    { details: { dataset, key: name } },
  );
}

/** Counts rows while every value is decoded, so that a page that is damaged inside is found here and not in the middle of training. */
async function readWhole(tables: Tables, file: LocalFile): Promise<number> {
  const relation = relationSql([file.path]);
  try {
    await tables.all(`SELECT bit_xor(hash(COLUMNS(*))) FROM ${relation}`);
    const [row] = await tables.all(`SELECT count(*) AS n FROM ${relation}`);
    return Number(row?.['n']);
  } catch (error) {
    throw unreadable(file.key, error, file.path);
  }
}

/** Finds columns whose types do not go together, for example a number in one file and a record in another. */
async function readTogether(tables: Tables, files: readonly LocalFile[]): Promise<void> {
  try {
    await tables.all(`SELECT bit_xor(hash(COLUMNS(*))) FROM ${relationSql(files.map((file) => file.path))}`);
  } catch (error) {
    const text = error instanceof Error ? error.message : '';
    const named = files.find((file) => text.includes(file.path));
    throw unreadable(named?.key ?? files.map((file) => file.key).join(' with '), error, named?.path);
  }
}

function refuseReserved(layout: Layout): void {
  for (const file of layout.files) {
    const taken = reservedColumns.find((name) => file.columns.has(name));
    if (taken === undefined) continue;
    throw new CodedError('INPUT_INVALID', `${file.key} has a column '${taken}', a name that is reserved. Rename it.`);
  }
}

function manifest(parts: {
  readonly dataset: string;
  readonly arrivals: readonly Arrival[];
  readonly rows: readonly number[];
  readonly layout: Layout;
}): Snapshot {
  const files = parts.arrivals.map(({ key, s3VersionId, sizeBytes, sha256 }, index) => ({
    key,
    s3VersionId,
    sizeBytes,
    sha256,
    rows: parts.rows[index] ?? 0,
    format: dataFormat(key),
  }));
  return {
    dataset: parts.dataset,
    files,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    columns: parts.layout.columns,
    deviations: deviations(parts.layout),
    parent: null,
  };
}
