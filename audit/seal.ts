import { canonicalJson } from '../domain/canonical-json.ts';
import { CodedError, isCoded } from '../domain/errors.ts';
import { type RunKey, evidenceFolder } from '../domain/run.ts';
import type { ObjectBody, ObjectStore } from '../stores/objects/object-store.ts';
import {
  type CapsuleEntry,
  type CapsuleManifest,
  type CapsuleParts,
  type EntryKind,
  type MissingEvidence,
  bundleKey,
  entriesRoot,
  manifestName,
  publicKeyKey,
  signatureName,
} from './capsule.ts';
import { capsuleStatement } from './capsule-statement.ts';
import { type Collected, collectReferences } from './collect.ts';
import { bodyDigest, headIfThere, keep, retention } from './keep.ts';
import { openCapsule } from './open-capsule.ts';
import { openSigningKey, sign } from '../stores/signing/signing.ts';

/** What sealing needs. `retainDays`: how long the capsule stays locked at least. */
export type SealDeps = {
  readonly store: ObjectStore;
  readonly keysFolder: string;
  readonly now: () => string;
  readonly retainDays: number;
};

/** A sealed capsule; `objects` counts its entries. */
export type SealedCapsule = { readonly manifestKey: string; readonly root: string; readonly objects: number };

/**
 * Seals the evidence of a closed run: histories, bundle and lockfile under object lock, everything else pinned where it lies, a Merkle
 * root over all, a manifest, and last its signature. Idempotent by run: a capsule with a signature is found and returned; without one it
 * was never finished, and the manifest is written anew. What the capsule only pins is not locked by it: replay names what is missing. What
 * is missing already now does not stop the sealing either: the manifest tells it.
 *
 * @throws CodedError EVIDENCE_ALTERED when the run has a capsule that does not hold.
 */
export async function sealCapsule(deps: SealDeps, run: RunKey, parts: CapsuleParts): Promise<SealedCapsule> {
  const folder = evidenceFolder(run);
  if ((await headIfThere(deps.store, folder + signatureName)) !== null) return existingCapsule(deps.store, run);
  const owned = await keepOwned(deps, run, parts);
  const collected = await collectReferences(deps.store, run, parts.references);
  const entries = [...owned.entries, ...collected.entries];
  const root = entriesRoot(entries);
  const manifest: CapsuleManifest = {
    format: 'perdura-capsule-v1',
    run: { pipeline: run.pipeline, workflowId: run.workflowId, runId: run.runId },
    environment: parts.environment,
    histories: parts.histories.map(({ workflowId, workflowRunId, workflowType }, index) => {
      return { workflowId, workflowRunId, workflowType, name: historyName(index) };
    }),
    entries,
    missing: [...owned.missing, ...collected.missing],
    root,
    sealedAt: await sealedAt(deps, folder + manifestName),
  };
  return writeManifest(deps, manifest);
}

async function keepOwned(deps: SealDeps, run: RunKey, parts: CapsuleParts): Promise<Collected> {
  const lock = retention(deps.now(), deps.retainDays);
  const folder = evidenceFolder(run);
  const entries: CapsuleEntry[] = [];
  const own = async (object: { name: string; kind: EntryKind; key: string; body: ObjectBody; contentType: string }) => {
    const { name, kind, ...rest } = object;
    entries.push({ name, kind, ...(await keep(deps.store, { ...rest, retention: lock })) });
  };
  const contentType = 'application/json';
  for (const [index, history] of parts.histories.entries()) {
    const name = historyName(index);
    await own({ name, kind: 'history', key: folder + name, body: Buffer.from(history.historyJson), contentType });
  }
  const noBundle = await bundleDifference(parts);
  if (parts.bundle !== null && noBundle === null) {
    const { body, sha256 } = parts.bundle;
    await own({ name: bundleName, kind: 'bundle', key: bundleKey(sha256), body, contentType: 'text/javascript' });
  }
  if (parts.lockfile !== null) {
    const name = 'lockfile.json';
    await own({ name, kind: 'lockfile', key: folder + name, body: parts.lockfile, contentType });
  }
  return { entries, missing: noBundle === null ? [] : [noBundle] };
}

/** Other code than the run's is no evidence of it, so it is not kept in its place. */
async function bundleDifference({ bundle, environment }: CapsuleParts): Promise<MissingEvidence | null> {
  const missing = (reason: string) => ({ name: bundleName, reason: `The workflow bundle ${reason}.` });
  if (bundle === null) return missing(`with SHA-256 ${environment.bundleSha256} was not to be had`);
  const { sha256 } = await bodyDigest(bundle.body);
  return sha256 === bundle.sha256 ? null : missing(`has SHA-256 ${sha256}, the run's has ${bundle.sha256}`);
}

async function writeManifest(deps: SealDeps, manifest: CapsuleManifest): Promise<SealedCapsule> {
  const { store } = deps;
  const lock = retention(deps.now(), deps.retainDays);
  const signingKey = await openSigningKey(deps.keysFolder);
  const publicPem = Buffer.from(signingKey.publicPem);
  const keyAt = publicKeyKey(signingKey.hint);
  await keep(store, { key: keyAt, body: publicPem, contentType: 'application/x-pem-file', retention: lock });
  const folder = evidenceFolder(manifest.run);
  const bytes = Buffer.from(canonicalJson(manifest));
  const contentType = 'application/json';
  const pin = await keep(store, { key: folder + manifestName, body: bytes, contentType, retention: lock });
  const signature = Buffer.from(JSON.stringify(sign(signingKey, capsuleStatement(manifest, pin))));
  try {
    const options = { ifAbsent: true, retainUntil: lock.until, contentType };
    await store.write(folder + signatureName, signature, options);
  } catch (error) {
    if (isCoded(error, 'CONFLICT')) return existingCapsule(store, manifest.run);
    throw error;
  }
  return { manifestKey: pin.key, root: manifest.root, objects: manifest.entries.length };
}

async function existingCapsule(store: ObjectStore, run: RunKey): Promise<SealedCapsule> {
  const { manifest, checks } = await openCapsule({ store }, run);
  const broken = checks.find((check) => check.status === 'failed');
  if (manifest === null || broken !== undefined)
    throw new CodedError(
      'EVIDENCE_ALTERED',
      `The capsule of run ${run.runId} does not hold: ${broken?.detail ?? 'its manifest is unreadable'}. Keep the bucket as it is.`,
    );
  const manifestKey = evidenceFolder(run) + manifestName;
  return { manifestKey, root: manifest.root, objects: manifest.entries.length };
}

/** A sealing that died before it signed is taken up at its own time, so that the same run gives the same manifest. */
async function sealedAt(deps: SealDeps, manifestKey: string): Promise<string> {
  if ((await headIfThere(deps.store, manifestKey)) === null) return deps.now();
  const { bytes } = await deps.store.read(manifestKey);
  try {
    const before = JSON.parse(new TextDecoder().decode(bytes)) as Partial<CapsuleManifest>;
    return typeof before.sealedAt === 'string' ? before.sealedAt : deps.now();
  } catch {
    return deps.now();
  }
}

const bundleName = 'bundle.js';

function historyName(index: number): string {
  return `histories/${index + 1}.json`;
}
