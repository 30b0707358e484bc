import { CodedError, isCoded } from '../../domain/errors.ts';
import type { Registry } from '../../domain/registry.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { verifyPackage } from '../../stores/packages.ts';
import { findVersion, listModels, readRegistry, versionReference } from '../../stores/registry.ts';
import { indexState } from '../../stores/registry-log.ts';
import type { TrustedKeys } from '../../stores/signing/trusted-keys.ts';
import type { Context } from '../context.ts';
import { localPackages } from '../local-packages.ts';
import { modelNotFound } from '../models.ts';
import { table } from '../output.ts';
import { printable, readingBucket } from '../snapshots.ts';

type Finding = { readonly what: string; readonly code: string; readonly detail: string };

/**
 * `perdura models verify`: holds the packages of a model, every byte, against their digests and signatures, and its index against its changes.
 * Reads only. Exits 1 when anything is found.
 */
export async function modelsVerify(context: Context, model: string, version: string | undefined): Promise<number> {
  return readingBucket(context, async ({ store, config }) => {
    const registry = await readRegistry(store, model);
    if (registry === null) throw modelNotFound(model, await listModels(store));
    const versions = version === undefined ? withPackage(registry) : [findVersion(registry, version).modelVersion];
    const { trusted } = localPackages(config);
    const findings: Finding[] = await indexFindings(store, model);
    for (const each of versions) {
      context.output.progress(`Reading version ${each}`);
      findings.push(...(await packageFindings(store, { registry, modelVersion: each, trusted })));
    }
    const keys = (await trusted()).map(({ hint, file }) => ({ hint, file }));
    context.output.answer({ model, versions, trusted: keys, findings }, () =>
      findings.length > 0
        ? table(
            ['WHAT', 'CODE', 'FOUND'],
            findings.map(({ what, code, detail }) => [what, code, printable(detail)]),
          )
        : `${versions.length === 1 ? '1 package' : `${versions.length} packages`} of ${model}: every byte as it was signed, by a key that is trusted here.`,
    );
    return findings.length === 0 ? 0 : 1;
  });
}

function withPackage({ versions }: Registry): readonly string[] {
  return versions.flatMap(({ modelVersion, packageDigest }) => (packageDigest === null ? [] : [modelVersion]));
}

/** An index that is missing or behind is no fault: it is read forward, and `perdura models rebuild` writes it. */
async function indexFindings(store: ObjectStore, model: string): Promise<Finding[]> {
  const state = await indexState(store, model);
  if (state !== 'not as the changes say' && state !== 'unreadable') return [];
  return [{ what: `registry/${model}.json`, code: 'EVIDENCE_ALTERED', detail: `The index is ${state}.` }];
}

async function packageFindings(
  store: ObjectStore,
  one: { readonly registry: Registry; readonly modelVersion: string; readonly trusted: TrustedKeys },
): Promise<readonly Finding[]> {
  const { registry, modelVersion, trusted } = one;
  try {
    await verifyPackage(store, versionReference(registry, modelVersion), trusted);
    return [];
  } catch (error) {
    if (!isFinding(error)) throw error;
    return [{ what: `version ${modelVersion}`, code: error.code, detail: error.message }];
  }
}

function isFinding(error: unknown): error is CodedError {
  return (['NOT_FOUND', 'PACKAGE_ALTERED', 'PACKAGE_UNSIGNED'] as const).some((code) => isCoded(error, code));
}
