import { CodedError } from '../domain/errors.ts';
import { type RunKey, type RunOutcome, type RunStart, runFolder } from '../domain/run.ts';
import { keepFirstDocument, readDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { mapParallel } from './parallel.ts';

/** What the bucket knows of a run; `outcome` null: it has not ended (or its end was never recorded). */
export type StoredRun = { readonly start: RunStart; readonly outcome: RunOutcome | null };

const parallelReads = 16;
const shortestPrefix = 4;

/** Records a run's start and returns what is recorded. Idempotent by run: the first start stays. */
export async function writeRunStart(store: ObjectStore, start: RunStart): Promise<RunStart> {
  return keepFirstDocument(store, startKey(start), start);
}

/** Records a run's end and returns what is recorded. Idempotent by run: the first end stays. */
export async function writeRunOutcome(store: ObjectStore, outcome: RunOutcome): Promise<RunOutcome> {
  return keepFirstDocument(store, outcomeKey(outcome), outcome);
}

/**
 * Reads one run.
 *
 * @throws CodedError NOT_FOUND when it never started.
 */
export async function readRun(store: ObjectStore, key: RunKey): Promise<StoredRun> {
  const [start, outcome] = await Promise.all([
    readDocument<RunStart>(store, startKey(key)),
    readDocument<RunOutcome>(store, outcomeKey(key)),
  ]);
  if (start === null) throw notFound(`${key.workflowId} (${key.runId})`);
  return { start: start.value, outcome: outcome?.value ?? null };
}

/** All runs, or those of one pipeline, newest first. */
export async function listRuns(
  store: ObjectStore,
  options: { readonly pipeline?: string } = {},
): Promise<readonly StoredRun[]> {
  const prefix = options.pipeline === undefined ? 'runs/' : `runs/${options.pipeline}/`;
  return readRuns(store, await listedRuns(store, prefix));
}

/**
 * Finds a run by what a person types: its workflow id, its run id or the beginning of it (4 characters at least), or a pipeline's
 * name; of several runs with one workflow id or pipeline, the newest.
 *
 * @throws CodedError NOT_FOUND when none fits; INPUT_INVALID when the beginning of a run id fits several.
 */
export async function findRun(store: ObjectStore, text: string): Promise<StoredRun> {
  const all = await listedRuns(store, 'runs/');
  const byName = all.filter(({ key }) => key.workflowId === text || key.pipeline === text || key.runId === text);
  const byPrefix = text.length < shortestPrefix ? [] : all.filter(({ key }) => key.runId.startsWith(text));
  if (byName.length === 0 && byPrefix.length > 1)
    throw new CodedError(
      'INPUT_INVALID',
      `'${text}' is the beginning of ${byPrefix.length} run ids: ${byPrefix.map(({ key }) => key.runId).join(', ')}. Type more of it.`,
    );
  const exact = byName.filter(({ key }) => key.pipeline !== text || key.workflowId === text);
  const [newest] = await readRuns(store, [exact, byName, byPrefix].find((found) => found.length > 0) ?? []);
  if (newest === undefined) throw notFound(text);
  return newest;
}

type ListedRun = { readonly key: RunKey; readonly ended: boolean };

/** Run keys are told from object keys: `runs/<pipeline>/<workflowId, with slashes>/<runId>/run.json`. */
async function listedRuns(store: ObjectStore, prefix: string): Promise<readonly ListedRun[]> {
  const started: RunKey[] = [];
  const ended = new Set<string>();
  for await (const { key } of store.list(prefix)) {
    if (key.endsWith('/outcome.json')) ended.add(key);
    if (!key.endsWith('/run.json')) continue;
    const [pipeline, ...rest] = key.split('/').slice(1, -1);
    const runId = rest.pop();
    if (pipeline !== undefined && runId !== undefined && rest.length > 0)
      started.push({ pipeline, workflowId: rest.join('/'), runId });
  }
  return started.map((key) => ({ key, ended: ended.has(outcomeKey(key)) }));
}

async function readRuns(store: ObjectStore, listed: readonly ListedRun[]): Promise<readonly StoredRun[]> {
  const runs = await mapParallel(listed, parallelReads, async ({ key, ended }): Promise<StoredRun[]> => {
    const start = await readDocument<RunStart>(store, startKey(key));
    const outcome = ended ? await readDocument<RunOutcome>(store, outcomeKey(key)) : null;
    return start === null ? [] : [{ start: start.value, outcome: outcome?.value ?? null }];
  });
  return runs.flat().toSorted((a, b) => Date.parse(b.start.startedAt) - Date.parse(a.start.startedAt));
}

function notFound(what: string): CodedError {
  return new CodedError('NOT_FOUND', `Run '${what}' not found. List the runs there are with 'perdura runs'.`, {
    details: { run: what },
  });
}

function startKey(run: RunKey): string {
  return `${runFolder(run)}run.json`;
}

function outcomeKey(run: RunKey): string {
  return `${runFolder(run)}outcome.json`;
}
