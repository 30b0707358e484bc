import { basename, extname, join } from 'node:path';
import type { Snapshot, SnapshotFile, SnapshotReference } from '../../domain/snapshot.ts';
import { relationSql } from '../../stores/slices.ts';
import { describeFiles, deviations, type LocalFile } from '../../stores/snapshots/describe-files.ts';
import { compareKeys } from '../../stores/snapshots/key-order.ts';
import { readManifest, sealSnapshot } from '../../stores/snapshots/manifest.ts';
import { measureStatistics } from '../../stores/snapshots/measure-statistics.ts';
import { keepStatistics, readStatistics } from '../../stores/snapshots/statistics.ts';
import { literal, type Tables } from '../../stores/tables.ts';
import type { DataDependencies } from '../data/dependencies.ts';
import { type BadRows, blockedPerFile, blockedRowsSql } from './bad-rows.ts';
import { keepFirstObject } from './keep-object.ts';
import type { GateQuestion } from './quarantine.ts';

/** A file of the clean rest and where its copy on this machine lies. */
type CleanFile = { readonly file: SnapshotFile; readonly path: string };

/** The bad rows, where local copies of the snapshot's files lie (in its order), and where scratch files go. */
export type RestOf = { readonly bad: BadRows; readonly files: readonly LocalFile[]; readonly folder: string };

/**
 * Seals what is left when the blocked rows are gone, as a snapshot of the same dataset. Files without such rows stay pinned as they are; one
 * with some is written anew without them under `quarantine/<dataset>/<identity>/clean/`; one that holds no other rows is left out.
 */
export async function sealCleanRest(
  deps: DataDependencies,
  question: GateQuestion & { readonly reference: SnapshotReference },
  rest: RestOf,
): Promise<SnapshotReference> {
  const clean: CleanFile[] = [];
  const blocked = await blockedPerFile(rest.bad);
  for (const [index, file] of question.snapshot.files.entries()) {
    const path = rest.files[index]?.path ?? '';
    const gone = blocked.get(index) ?? 0;
    if (gone === 0) clean.push({ file, path });
    else if (gone < file.rows) clean.push(await rewrite(deps, question, { rest, index, file, path, gone }));
  }
  return seal(deps, question, { tables: rest.bad.tables, clean: clean.toSorted(byKey) });
}

/** The whole file in its order, minus the blocked rows, with the types that it has. */
async function rewrite(
  deps: DataDependencies,
  question: GateQuestion,
  of: {
    readonly rest: RestOf;
    readonly index: number;
    readonly file: SnapshotFile;
    readonly path: string;
    readonly gone: number;
  },
): Promise<CleanFile> {
  const { bad, folder } = of.rest;
  const path = join(folder, `clean-${of.index}.parquet`);
  await bad.tables.all(
    `COPY (SELECT * FROM ${relationSql([of.path])} WHERE file_row_number NOT IN (${blockedRowsSql(bad, of.index)})
     ORDER BY file_row_number) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  const stem = basename(of.file.key, extname(of.file.key));
  const key = `quarantine/${question.dataset}/${question.identity}/clean/${of.index}-${stem}.parquet`;
  const pin = await keepFirstObject(deps.store, key, {
    body: { file: path },
    contentType: 'application/vnd.apache.parquet',
  });
  return { file: { ...pin, rows: of.file.rows - of.gone, format: 'parquet' }, path };
}

async function seal(
  deps: DataDependencies,
  { snapshot, reference }: { readonly snapshot: Snapshot; readonly reference: SnapshotReference },
  { tables, clean }: { readonly tables: Tables; readonly clean: readonly CleanFile[] },
): Promise<SnapshotReference> {
  const layout = await describeFiles(
    tables,
    clean.map(({ file, path }) => ({ key: file.key, path })),
  );
  const sealed = await sealSnapshot(
    deps.store,
    {
      dataset: snapshot.dataset,
      rows: clean.reduce((sum, { file }) => sum + file.rows, 0),
      columns: layout.columns,
      deviations: deviations(layout),
      dialect: snapshot.dialect,
      files: clean.map(({ file }) => file),
    },
    { parent: await readManifest(deps.store, reference) },
  );
  const edges = await readStatistics(deps.store, reference);
  const paths = clean.map(({ path }) => path);
  const { dataset, digest } = sealed;
  await keepStatistics(deps.store, {
    dataset,
    digest,
    edgesFrom: edges?.edgesFrom ?? digest,
    ...(await measureStatistics(tables, paths, layout.columns, edges ?? undefined)),
  });
  return sealed;
}

function byKey(one: CleanFile, other: CleanFile): number {
  return compareKeys(one.file.key, other.file.key);
}
