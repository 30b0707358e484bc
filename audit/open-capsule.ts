import { canonicalJson } from '../domain/canonical-json.ts';
import { CodedError, isCoded } from '../domain/errors.ts';
import { type RunKey, evidenceFolder } from '../domain/run.ts';
import { sha256Hex } from '../stores/digest.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { type CapsuleManifest, entriesRoot, manifestName, publicKeyKey, signatureName } from './capsule.ts';
import { capsulePredicateType } from './capsule-statement.ts';
import { type ReplayCheck, failed, ok } from './report.ts';
import { type Statement, bundleHint, verify } from '../stores/signing/signing.ts';

/** A capsule's manifest, only if its bytes are the signed ones; null otherwise. */
export type OpenedCapsule = { readonly manifest: CapsuleManifest | null; readonly checks: readonly ReplayCheck[] };

/**
 * Reads a capsule's manifest and checks its signature and Merkle root. `publicKey`: the PEM text of the one key to trust; without it the
 * key is taken from the bucket, which proves that nothing changed since, not who signed: hold the hint against a copy kept elsewhere.
 *
 * @throws CodedError NOT_FOUND when the run was never sealed.
 */
export async function openCapsule(
  deps: { readonly store: ObjectStore; readonly publicKey?: string },
  run: RunKey,
): Promise<OpenedCapsule> {
  const folder = evidenceFolder(run);
  const signed = await readSignature(deps, folder + signatureName, run);
  if (signed.statement === null) return { manifest: null, checks: [signed.check] };
  const opened = await readManifest(deps.store, folder + manifestName, signed.statement);
  if (opened.bytes === null) return { manifest: null, checks: [signed.check, ...opened.checks] };
  const manifest = JSON.parse(new TextDecoder().decode(opened.bytes)) as CapsuleManifest;
  const checks = [signed.check, ...opened.checks, checkRun(run, manifest), checkRoot(manifest, signed.statement)];
  return { manifest, checks };
}

type Signed = { readonly statement: Statement | null; readonly check: ReplayCheck };

async function readSignature(
  deps: { readonly store: ObjectStore; readonly publicKey?: string },
  key: string,
  run: RunKey,
): Promise<Signed> {
  const { store } = deps;
  const bytes = await readIfThere(store, key);
  const versions = await store.versions(key);
  if (bytes === null && versions.length === 0)
    throw new CodedError(
      'NOT_FOUND',
      `Run ${run.runId} of ${run.workflowId} has no capsule: it has not ended or was not sealed yet. Look at 'perdura show ${run.runId}'.`,
    );
  const broken = (why: string): Signed => ({ statement: null, check: failed('signature', `${key} ${why}`) });
  if (bytes === null) return broken('was deleted');
  if (versions.length !== 1) return broken(`was written once, but has ${versions.length} versions`);
  try {
    const bundle: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const hint = bundleHint(bundle);
    if (hint === null) return broken('is not a Sigstore bundle v0.3');
    const publicPem = deps.publicKey ?? (await readPublicKey(store, hint));
    if (publicPem === null) return broken(`names the key ${publicKeyKey(hint)}, which is missing`);
    const statement = verify(bundle, publicPem);
    if (statement.predicateType !== capsulePredicateType) return broken(`signs a ${statement.predicateType}`);
    const trust = deps.publicKey === undefined ? 'its key taken from the bucket' : 'by the key given';
    return { statement, check: ok('signature', `signed by ${hint.slice(0, 16)}, ${trust}`) };
  } catch (error) {
    if (isCoded(error, 'SERVICE_UNAVAILABLE')) throw error;
    return broken(`does not hold: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The newest manifest must be the signed one. Where it is not, the signed version serves, so that the other checks still say what they see. */
async function readManifest(
  store: ObjectStore,
  key: string,
  statement: Statement,
): Promise<{ readonly bytes: Uint8Array | null; readonly checks: readonly ReplayCheck[] }> {
  const sealed = statement.subject[0]?.digest.sha256;
  const newest = await readIfThere(store, key);
  if (newest !== null && sha256Hex(newest) === sealed)
    return { bytes: newest, checks: [ok('manifest', `${key} is the one that was signed`)] };
  const what = newest === null ? 'was deleted' : `was altered: SHA-256 ${sha256Hex(newest)}, signed was ${sealed}`;
  const { s3VersionId } = statement.predicate;
  const pinned = typeof s3VersionId === 'string' ? await readIfThere(store, key, s3VersionId) : null;
  const bytes = pinned !== null && sha256Hex(pinned) === sealed ? pinned : null;
  return { bytes, checks: [failed('manifest', `${key} ${what}`)] };
}

function checkRun(run: RunKey, manifest: CapsuleManifest): ReplayCheck {
  const wanted = canonicalJson({ pipeline: run.pipeline, workflowId: run.workflowId, runId: run.runId });
  const found = canonicalJson(manifest.run);
  if (wanted === found) return ok('run', `the capsule of ${run.workflowId}, sealed at ${manifest.sealedAt}`);
  return failed('run', `${evidenceFolder(run)}${manifestName} is the capsule of ${found}, not of ${wanted}`);
}

function checkRoot(manifest: CapsuleManifest, statement: Statement): ReplayCheck {
  const root = entriesRoot(manifest.entries);
  const count = `${manifest.entries.length} objects`;
  if (root === manifest.root && root === statement.predicate['root']) return ok('merkle root', `${root} over ${count}`);
  return failed('merkle root', `${root} over ${count}, but ${manifest.root} is in the manifest`);
}

async function readPublicKey(store: ObjectStore, hint: string): Promise<string | null> {
  const bytes = await readIfThere(store, publicKeyKey(hint));
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

async function readIfThere(store: ObjectStore, key: string, s3VersionId?: string): Promise<Uint8Array | null> {
  try {
    return (await store.read(key, s3VersionId === undefined ? {} : { s3VersionId })).bytes;
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND')) return null;
    throw error;
  }
}
