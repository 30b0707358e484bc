import { readFile } from 'node:fs/promises';
import type { RunOutcome, RunStart } from '../domain/run.ts';
import type { ObjectCache } from '../stores/object-cache.ts';
import type { CapsuleEntry, CapsuleManifest, EntryKind, RecordedHistory } from './capsule.ts';
import { decodePayloads, parseHistory, parseJson } from './history.ts';
import { firstJsonDifference } from './json-difference.ts';
import { recordedEnvironment } from './recorded-environment.ts';
import { type ReplayCheck, failed, ok } from './report.ts';

/** A capsule whose objects were read: `altered` names the entries that do not count, `histories` are the sealed ones. */
export type Evidence = {
  readonly manifest: CapsuleManifest;
  readonly altered: ReadonlySet<string>;
  readonly histories: readonly RecordedHistory[];
};

/**
 * Holds run.json and outcome.json against the run's own history: which run, what it was started with, on which code, what it returned.
 * They are what people and other runs read, and the history is what happened. Nothing is said of altered objects: they failed already.
 */
export async function checkRecords(cache: ObjectCache, evidence: Evidence): Promise<readonly ReplayCheck[]> {
  const own = evidence.histories.find((each) => each.workflowRunId === evidence.manifest.histories[0]?.workflowRunId);
  const [start, outcome] = [sealedEntry(evidence, 'run'), sealedEntry(evidence, 'outcome')];
  const said = await readSealedStart(cache, evidence);
  if (own === undefined || start === null || said === null || outcome === null) return [];
  const ended = await readDocument<RunOutcome>(cache, outcome);
  const { events } = parseHistory(own.historyJson, own.workflowId);
  const started = events[0]?.workflowExecutionStartedEventAttributes;
  const completed = events.at(-1)?.workflowExecutionCompletedEventAttributes;
  const input = decodePayloads(started?.input)[0] ?? null;
  const result = completed ? { result: decodePayloads(completed.result)[0] ?? null } : {};
  const environment = recordedEnvironment(own);
  const difference = firstJsonDifference(
    {
      workflowId: own.workflowId,
      runId: started?.firstExecutionRunId,
      input,
      ...(environment && { environment }),
      ...result,
    },
    {
      workflowId: said.workflowId,
      runId: said.runId,
      input: said.input,
      ...(environment === null ? {} : { environment: said.environment }),
      ...(completed ? { result: ended.result } : {}),
    },
  );
  if (difference === null) return [ok('records', 'run.json and outcome.json say what the history says')];
  const { path, first, second } = difference;
  const document = path.startsWith('$.result') ? outcome.key : start.key;
  return [failed('records', `${document}: at ${path} the history says ${first}, the document ${second}`)];
}

/** The sealed run.json; null when there is none or it is not the sealed one. */
export async function readSealedStart(cache: ObjectCache, evidence: Evidence): Promise<RunStart | null> {
  const entry = sealedEntry(evidence, 'run');
  return entry === null ? null : readDocument<RunStart>(cache, entry);
}

/** Reads an entry through the cache, which hands out nothing but the sealed bytes. */
export async function readText(cache: ObjectCache, entry: CapsuleEntry): Promise<string> {
  return readFile(await cache.localFile(entry), 'utf8');
}

/** A document that is no JSON says nothing, and so differs wherever something is expected. */
async function readDocument<T>(cache: ObjectCache, entry: CapsuleEntry): Promise<T> {
  return (parseJson(await readText(cache, entry)) ?? {}) as T;
}

function sealedEntry({ manifest, altered }: Evidence, kind: EntryKind): CapsuleEntry | null {
  const found = manifest.entries.find((each) => each.kind === kind);
  return found === undefined || altered.has(found.name) ? null : found;
}
