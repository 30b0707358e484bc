import { join } from 'node:path';
import { nextDataVersion } from '../../domain/data-version.ts';
import type { Column, Snapshot } from '../../domain/snapshot.ts';
import type { Quarantine } from '../../domain/validation-report.ts';
import { mainBranch } from '../../stores/snapshots/history-lookup.ts';
import { moveBranch, readHistory } from '../../stores/snapshots/history.ts';
import { sealSnapshot } from '../../stores/snapshots/manifest.ts';
import type { DataDependencies } from '../data/dependencies.ts';
import { type BadRows, writeBadRows } from './bad-rows.ts';
import { keepFirstObject } from './keep-object.ts';

/** Which check the bad rows are of: `identity` is the digest of snapshot, schema and whatever else the answer rests on. */
export type GateQuestion = { readonly dataset: string; readonly snapshot: Snapshot; readonly identity: string };

const placeColumns: readonly Column[] = [
  { name: '_key', type: 'string' },
  { name: '_row', type: 'integer' },
  { name: '_codes', type: 'other' },
];

/**
 * Keeps all bad rows as one Parquet file at `quarantine/<dataset>/<identity>.parquet`, sealed as a snapshot of the dataset
 * `<dataset>.quarantine`, whose branch `latest` moves to it: so they can be shown, read and compared like any other data. The same check
 * lands on the same key, and what an earlier attempt wrote there stays.
 */
export async function keepInQuarantine(
  deps: DataDependencies,
  question: GateQuestion,
  found: { readonly bad: BadRows; readonly folder: string },
): Promise<Quarantine> {
  const { dataset, identity } = question;
  const path = join(found.folder, 'bad-rows.parquet');
  await writeBadRows(found.bad, path);
  const pin = await keepFirstObject(deps.store, `quarantine/${dataset}/${identity}.parquet`, {
    body: { file: path },
    contentType: 'application/vnd.apache.parquet',
  });
  const { rows, layout } = found.bad;
  const snapshot = await sealSnapshot(deps.store, {
    dataset: `${dataset}.quarantine`,
    rows,
    columns: [...placeColumns, ...layout.columns],
    deviations: [],
    dialect: null,
    files: [{ ...pin, rows, format: 'parquet' }],
  });
  await tell(deps, snapshot, { rows, of: `${dataset} ${identity.slice(0, 12)}` });
  return { ...pin, rows, snapshot };
}

async function tell(
  deps: DataDependencies,
  snapshot: { readonly dataset: string; readonly digest: string },
  what: { readonly rows: number; readonly of: string },
): Promise<void> {
  const { dataset, digest } = snapshot;
  const history = await readHistory(deps.store, dataset);
  await moveBranch(deps.store, {
    dataset,
    branch: mainBranch,
    to: digest,
    event: 'created',
    entryId: `quarantine/${digest}`,
    at: deps.now(),
    who: deps.who(),
    why: `the gate found them in ${what.of}`,
    dataVersion: nextDataVersion(history?.branches[mainBranch]?.dataVersion ?? null, 'minor'),
    reasons: [`${what.rows} bad rows`],
  });
}
