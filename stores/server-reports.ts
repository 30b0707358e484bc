import { canonicalJson } from '../domain/canonical-json.ts';
import type { CodedFailure } from '../domain/failure.ts';
import { readDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { mapParallel } from './parallel.ts';

/** What a model server has in force on one endpoint. `policyEpoch` 0: no policy was declared. */
export type ReportedEndpoint = {
  readonly endpoint: string;
  readonly epoch: number;
  readonly policyEpoch: number;
  /** Why the newest route or policy is not the one in force; null when it is. */
  readonly problem: CodedFailure | null;
};

/** `servers/<replica>.json`: a model server that lives, so that a release knows when all of them have moved. */
export type ServerReport = {
  readonly replica: string;
  /** When it wrote this, ISO 8601; it does so with every change in force and every 10 seconds. */
  readonly at: string;
  /** Where its admin port answers, for push hints. */
  readonly adminUrl: string;
  readonly endpoints: readonly ReportedEndpoint[];
};

type StoredReport = ServerReport & { readonly ended?: true };

const prefix = 'servers/';
const parallelReads = 16;
/** Three reports that did not come. */
const goneAfterMs = 30_000;

/** Says that a model server lives, and what it has in force. Only that server writes its object, so nothing is compared. */
export async function writeServerReport(store: ObjectStore, report: ServerReport): Promise<void> {
  await write(store, report);
}

/** Says that a model server has ended, so that nobody waits for it. */
export async function removeServerReport(
  store: ObjectStore,
  ended: Pick<ServerReport, 'replica' | 'at'>,
): Promise<void> {
  await write(store, { ...ended, adminUrl: '', endpoints: [], ended: true });
}

/** All model servers that live at `now` (ISO 8601), by replica; one that was silent for 30 seconds is gone. */
export async function readServerReports(store: ObjectStore, now: string): Promise<readonly ServerReport[]> {
  const since = Date.parse(now) - goneAfterMs;
  const keys: string[] = [];
  // Old ones are left unread; of the others the report itself says how old it is.
  for await (const { key, modifiedAt } of store.list(prefix)) if (Date.parse(modifiedAt) >= since) keys.push(key);
  const found = await mapParallel(keys, parallelReads, (key) => readDocument<StoredReport>(store, key));
  return found.flatMap((document) => {
    const report = document?.value;
    return report === undefined || report.ended === true || Date.parse(report.at) < since ? [] : [report];
  });
}

async function write(store: ObjectStore, report: StoredReport): Promise<void> {
  const bytes = new TextEncoder().encode(canonicalJson(report));
  await store.write(`${prefix}${report.replica}.json`, bytes, { contentType: 'application/json' });
}
