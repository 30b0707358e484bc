import type { SnapshotManifest, SnapshotReference, TextDialect } from '../../domain/snapshot.ts';
import { requireDialect } from '../../stores/data-files/dialect.ts';
import { partitionColumns } from '../../stores/data-files/partitions.ts';
import { requireDataset } from '../../stores/datasets.ts';
import { describeFiles, deviations, type Layout } from '../../stores/snapshots/describe-files.ts';
import { mainBranch } from '../../stores/snapshots/history-lookup.ts';
import { resolveSnapshot } from '../../stores/snapshots/history.ts';
import { sealChanges } from '../../stores/snapshots/incremental.ts';
import { inKeyOrder } from '../../stores/snapshots/key-order.ts';
import { sealSnapshot } from '../../stores/snapshots/manifest.ts';
import type { Tables } from '../../stores/tables.ts';
import { refuseReserved } from '../gate/reserved-columns.ts';
import { chosenObjects } from './chosen-objects.ts';
import type { SnapshotRequest } from './contract.ts';
import type { SnapshotDependencies } from './dependencies.ts';
import { moveHead } from './move-head.ts';
import { localFiles, type ReadFile, readNewFiles } from './new-files.ts';
import {
  compareWithParent,
  type FileComparison,
  keptFiles,
  type Parent,
  parentOf,
  readsAlike,
} from './parent-snapshot.ts';
import { columnsAfter, deviationsAfter, requireTogether, type SnapshotColumns } from './snapshot-columns.ts';
import { keepSnapshotStatistics } from './snapshot-statistics.ts';
import { beating, inWorkArea } from './work-area.ts';

/** What is known when the new files have been read. `parent` is null where nothing of it can be used again. */
type Work = {
  readonly dataset: string;
  readonly dialect: TextDialect | null;
  readonly parent: Parent | null;
  readonly compared: FileComparison;
};

/** `alike`: the columns follow from the parent's, whose files were not looked at again. */
type Described = SnapshotColumns & { readonly files: readonly ReadFile[]; readonly alike: boolean };

/**
 * Seals a snapshot of objects, writes down its statistics and moves the branch to it. Files that the branch's newest snapshot pins at the same
 * S3 version are neither fetched nor read; of the others every value is read once. The same objects give the same digest, so a
 * repeated call changes nothing. Without a dialect text is read as in the snapshot before.
 *
 * @throws CodedError NOT_FOUND for what has not arrived or does not exist; DATA_UNREADABLE for a file that is empty, damaged or does not go
 * with the others; INPUT_INVALID for a source that is none, a doubled key, a dialect or column name that does not serve;
 * SERVICE_UNAVAILABLE when S3 stays away.
 */
export async function createSnapshot(deps: SnapshotDependencies, request: SnapshotRequest): Promise<SnapshotReference> {
  const { dataset, from } = request;
  requireDataset(dataset);
  if (request.dialect !== undefined) requireDialect(request.dialect);
  if (typeof from === 'string' && from.startsWith('@')) return named(deps, dataset, from);
  const branch = request.branch ?? mainBranch;
  const head = await parentOf(deps.store, dataset, branch);
  const dialect = request.dialect ?? head?.manifest.dialect ?? null;
  const parent = head !== null && readsAlike(head, dialect) ? head : null;
  const chosen = await chosenObjects(deps.store, request);
  const compared = await compareWithParent(deps.store, parent?.manifest ?? null, chosen);
  const reference = await inWorkArea(deps.cacheFolder, ({ tables }) =>
    sealed(deps, tables, { dataset, dialect, parent, compared }),
  );
  await moveHead(deps, { to: reference, branch, why: `a snapshot from ${sourceText(from)}` });
  return reference;
}

async function named(deps: SnapshotDependencies, dataset: string, from: string): Promise<SnapshotReference> {
  const { digest, rows } = await resolveSnapshot(deps.store, `${dataset}${from}`);
  return { dataset, digest, rows };
}

async function sealed(deps: SnapshotDependencies, tables: Tables, work: Work): Promise<SnapshotReference> {
  const { dataset, dialect, parent, compared } = work;
  const described = (await fromParent(deps, tables, work)) ?? (await fromAll(deps, tables, work));
  const { files, columns } = described;
  const facts = { dataset, columns, deviations: described.deviations, dialect };
  const put = files.map(({ file }) => file);
  const remove = goneForGood(compared);
  const rows = put.reduce((sum, file) => sum + file.rows, 0);
  const reference =
    parent === null
      ? await sealSnapshot(deps.store, { ...facts, rows, files: inKeyOrder(put) })
      : await sealChanges(deps.store, parent.manifest, facts, { put, remove });
  await beating(deps.heartbeat, 'measuring what changed', () =>
    keepSnapshotStatistics(deps.store, tables, {
      reference,
      columns,
      parent,
      compared,
      alike: described.alike,
      added: files.map(({ local }) => local),
      kept: async () =>
        parent === null ? [] : localFiles(deps, keptFiles(deps.store, parent.manifest, compared), facts),
      gone: async () => (parent === null ? [] : localFiles(deps, compared.gone, parent.manifest)),
    }),
  );
  return reference;
}

/** Looks at the new files only; null where the others' headers are needed to tell the columns. */
async function fromParent(deps: SnapshotDependencies, tables: Tables, work: Work): Promise<Described | null> {
  const { parent, compared, dialect } = work;
  if (parent === null || compared.kept === 0) return null;
  const { manifest } = parent;
  const keys = compared.put.map(({ key }) => key);
  const reading = { dialect, columns: partitionColumns(keys, manifest.columns) };
  const files = await readNewFiles(deps, tables, { objects: compared.put, reading });
  const layout = await layoutOf(tables, files);
  const after = columnsAfter(manifest, layout, compared);
  if (after === null) return null;
  await requireTogether(tables, layout);
  const kept = keptFiles(deps.store, manifest, compared);
  const found = { parent: manifest, layout, ...after, gone: compared.gone };
  return { files, columns: after.columns, deviations: await deviationsAfter(kept, found), alike: true };
}

/** Reads the headers of all files, those that stay too. */
async function fromAll(deps: SnapshotDependencies, tables: Tables, work: Work): Promise<Described> {
  const { parent, compared, dialect } = work;
  const standing = parent === null ? [] : await keptList(deps, parent.manifest, compared);
  const keys = [...standing, ...compared.put].map(({ key }) => key);
  const reading = { dialect, columns: partitionColumns(keys) };
  const files = await readNewFiles(deps, tables, { objects: compared.put, reading });
  const kept = await localFiles(deps, standing, reading);
  const layout = await describeAll(tables, [...kept, ...files.map(({ local }) => local)]);
  await requireTogether(tables, layout);
  const alike = parent !== null && sameTypes(parent.manifest, layout);
  return { files, columns: layout.columns, deviations: deviations(layout), alike };
}

async function keptList(deps: SnapshotDependencies, parent: SnapshotManifest, compared: FileComparison) {
  const files = [];
  for await (const file of keptFiles(deps.store, parent, compared)) files.push(file);
  return files;
}

async function layoutOf(tables: Tables, files: readonly ReadFile[]): Promise<Layout> {
  if (files.length === 0) return { files: [], columns: [] };
  return describeAll(
    tables,
    files.map(({ local }) => local),
  );
}

async function describeAll(tables: Tables, files: readonly ReadFile['local'][]): Promise<Layout> {
  const layout = await describeFiles(tables, inKeyOrder(files));
  refuseReserved(layout);
  return layout;
}

function sameTypes(parent: SnapshotManifest, layout: Layout): boolean {
  const types = new Map(parent.columns.map(({ name, type }) => [name, type]));
  return layout.columns.every(({ name, type }) => (types.get(name) ?? type) === type);
}

/** What is replaced is put, not removed. */
function goneForGood({ put, gone }: FileComparison): readonly string[] {
  const again = new Set(put.map(({ key }) => key));
  return gone.map(({ key }) => key).filter((key) => !again.has(key));
}

function sourceText(from: SnapshotRequest['from']): string {
  if (typeof from === 'string') return from;
  if ('prefix' in from) return `everything under ${from.prefix}`;
  return from.length === 1 ? String(from[0]) : `${from.length} objects`;
}
