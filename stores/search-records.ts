import { type RunKey, runFolder } from '../domain/run.ts';
import type { SearchRecord } from '../domain/search.ts';
import { keepFirstDocument, readDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { stepFolder } from './training-attempts.ts';

const fileName = 'search.json';

/** Keeps what a search found: `runs/…/artifacts/<step>/search.json`. Doing it again is fine, the first stays. */
export async function writeSearchRecord(store: ObjectStore, record: SearchRecord): Promise<void> {
  await keepFirstDocument(store, `${stepFolder(record)}${fileName}`, record);
}

/** What the searches of a run found, in the order of their steps; one that is under way is not among them. */
export async function listSearchRecords(store: ObjectStore, run: RunKey): Promise<readonly SearchRecord[]> {
  const artifacts = `${runFolder(run)}artifacts/`;
  const found: SearchRecord[] = [];
  for await (const { key } of store.list(artifacts)) {
    // A file of a trainer may be called so too; it lies deeper.
    const [stepId, name, ...deeper] = key.slice(artifacts.length).split('/');
    if (stepId === undefined || name !== fileName || deeper.length > 0) continue;
    const record = await readDocument<SearchRecord>(store, key);
    if (record !== null) found.push(record.value);
  }
  return found.toSorted((a, b) => Number.parseInt(a.stepId, 10) - Number.parseInt(b.stepId, 10));
}
