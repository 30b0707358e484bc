import { setTimeout as wait } from 'node:timers/promises';

import { canonicalJson } from '../domain/canonical-json.ts';
import { isCoded } from '../domain/errors.ts';
import type { KeptParts } from '../domain/explain-miss.ts';
import type { RunKey } from '../domain/run.ts';
import type { ObjectPin } from '../domain/snapshot.ts';
import type { StepCacheKey, StepCacheParts } from '../domain/step-cache.ts';
import type { TrainedModel } from '../domain/trainer.ts';
import { sha256Hex } from './digest.ts';
import { readDocument, type StoredDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { mapParallel } from './parallel.ts';
import { holdLease, type StepLease } from './step-lease.ts';

/** A result and the step that computed it. */
export type KeptTraining = {
  readonly run: RunKey;
  readonly stepId: string;
  readonly keptAt: string;
  readonly trained: TrainedModel;
};

/** `cache/training/<model>/<key>.json`: who computes it now, and the result once there is one. */
export type StepCacheEntry = {
  readonly parts: StepCacheParts;
  /** `beats` goes up while the holder lives: a waiter sees the document change, and compares no clocks. */
  readonly lease: { readonly holder: string; readonly token: string; readonly beats: number } | null;
  readonly kept: KeptTraining | null;
};

/** What a training looks for. `holder` names its step, the same in each attempt; `token` the attempt. */
export type StepClaim = {
  readonly model: string;
  readonly key: StepCacheKey;
  readonly parts: StepCacheParts;
  readonly holder: string;
  readonly token: string;
};

/** A result that is there, or the lease to compute it; `lost` says what became of an earlier result. */
export type Claimed =
  { readonly kept: KeptTraining } | { readonly kept: null; readonly lease: StepLease; readonly lost: string | null };

export type ClaimOptions = {
  readonly signal: AbortSignal;
  /** Told while another training computes the same. */
  readonly onWait: (text: string) => void;
  /** A lease whose document has not changed for so long is taken over. */
  readonly patienceMs?: number;
  /** Between two looks at another's lease, and between two of the holder's beats. */
  readonly lookEveryMs?: number;
  readonly beatEveryMs?: number;
};

const patienceMs = 60_000;
const lookEveryMs = 2_000;
const beatEveryMs = 15_000;

/** Entries that a miss is compared with: the newest. */
const mostCompared = 50;
const parallelReads = 8;

/** The key of a training: each part's SHA-256, and that of the four together. */
export function stepCacheKey(parts: StepCacheParts): StepCacheKey {
  const digest = (value: unknown) => sha256Hex(canonicalJson(value));
  const own = {
    code: digest(parts.code),
    inputs: digest(parts.inputs),
    params: digest(parts.params),
    environment: digest(parts.environment),
  };
  return { key: digest(own), ...own };
}

/**
 * Finds the result of an equal training, or takes the lease to compute it. Where another training holds the lease it waits for that one's
 * result, and takes over when it gives up or has shown no sign of life for `patienceMs` by our own clock. A later attempt of the same step
 * takes its own lease over at once.
 *
 * @throws CodedError as the store does; the signal's reason when it was aborted.
 */
export async function claimStep(store: ObjectStore, claim: StepClaim, options: ClaimOptions): Promise<Claimed> {
  const key = entryKey(claim);
  const seen = { version: '', at: 0 };
  for (;;) {
    options.signal.throwIfAborted();
    const current = await readDocument<StepCacheEntry>(store, key);
    const kept = current?.value.kept ?? null;
    const lost = kept === null ? null : await whatIsGone(store, kept);
    if (kept !== null && lost === null) return { kept };
    if (mustWait(current, claim, { seen, options })) {
      options.onWait(`Waits for ${current?.value.lease?.holder ?? 'another training'}, which computes the same`);
      // An abort ends the wait, and the loop throws its reason.
      await wait(options.lookEveryMs ?? lookEveryMs, undefined, { signal: options.signal }).catch(() => undefined);
      continue;
    }
    if (!(await takeLease(store, { key, claim, over: current }))) continue;
    const { token, parts } = claim;
    const lease = holdLease(store, { key, token, parts, beatEveryMs: options.beatEveryMs ?? beatEveryMs });
    return { kept: null, lease, lost };
  }
}

/** The newest results of a model that are kept, for a miss to be compared with. */
export async function keptTrainings(store: ObjectStore, model: string): Promise<readonly KeptParts[]> {
  const found: { readonly key: string; readonly modifiedAt: string }[] = [];
  for await (const each of store.list(cacheFolder(model))) found.push(each);
  const newest = found.toSorted((a, b) => (a.modifiedAt < b.modifiedAt ? 1 : -1)).slice(0, mostCompared);
  const entries = await mapParallel(newest, parallelReads, ({ key }) => readDocument<StepCacheEntry>(store, key));
  return entries.flatMap((entry) => {
    const kept = entry?.value.kept ?? null;
    return entry === null || kept === null ? [] : [{ name: kept.run.workflowId, parts: entry.value.parts }];
  });
}

/** Whether a lease of someone else shows signs of life: its document changed since the look before, or not long ago. */
function mustWait(
  current: StoredDocument<StepCacheEntry> | null,
  claim: StepClaim,
  { seen, options }: { readonly seen: { version: string; at: number }; readonly options: ClaimOptions },
): boolean {
  const lease = current?.value.lease ?? null;
  if (current === null || lease === null || lease.holder === claim.holder) return false;
  if (seen.version !== current.version.s3VersionId) {
    seen.version = current.version.s3VersionId;
    seen.at = performance.now();
  }
  return performance.now() - seen.at < (options.patienceMs ?? patienceMs);
}

/** False when another writer was first. */
async function takeLease(
  store: ObjectStore,
  {
    key,
    claim,
    over,
  }: { readonly key: string; readonly claim: StepClaim; readonly over: StoredDocument<StepCacheEntry> | null },
): Promise<boolean> {
  const entry: StepCacheEntry = {
    parts: claim.parts,
    lease: { holder: claim.holder, token: claim.token, beats: 0 },
    kept: null,
  };
  const condition = over === null ? { ifAbsent: true } : { ifMatch: over.version.etag };
  try {
    const bytes = new TextEncoder().encode(canonicalJson(entry));
    await store.write(key, bytes, { ...condition, contentType: 'application/json' });
    return true;
  } catch (error) {
    if (isCoded(error, 'CONFLICT') || isCoded(error, 'NOT_FOUND')) return false;
    throw error;
  }
}

/** Says which pinned object of a result is not there any more, or whether its record was altered; null: it can be taken. */
async function whatIsGone(store: ObjectStore, { run, trained }: KeptTraining): Promise<string | null> {
  const { files, record, checkpoint } = trained;
  for (const pin of [...Object.values(files), record, ...(checkpoint === null ? [] : [checkpoint.file])]) {
    if (!(await stands(store, pin)))
      return `The result of ${run.workflowId} is kept, but ${pin.key} is gone from the bucket.`;
  }
  // It is read for a hit: one that cannot be believed must not fail every equal training from here on.
  const { bytes } = await store.read(record.key, { s3VersionId: record.s3VersionId });
  if (sha256Hex(bytes) === record.sha256) return null;
  return `The result of ${run.workflowId} is kept, but ${record.key} holds other bytes than were written.`;
}

async function stands(store: ObjectStore, pin: ObjectPin): Promise<boolean> {
  try {
    return (await store.head(pin.key, { s3VersionId: pin.s3VersionId })).sizeBytes === pin.sizeBytes;
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND')) return false;
    throw error;
  }
}

function entryKey({ model, key }: Pick<StepClaim, 'model' | 'key'>): string {
  return `${cacheFolder(model)}${key.key}.json`;
}

function cacheFolder(model: string): string {
  return `cache/training/${model}/`;
}
