import { type RunStart, runFolder } from '../domain/run.ts';
import type { CapsuleManifest, EntryKind } from './capsule.ts';
import { firstJsonDifference } from './json-difference.ts';
import { type ReplayCheck, failed, ok } from './report.ts';

/**
 * Holds the environment of the run's own run.json against the one of the manifest, and the digests in it against the bundle and the lockfile
 * that were sealed: code may have changed between the run and its sealing. `start` null: run.json is not the sealed one and failed already.
 */
export function checkCode(manifest: CapsuleManifest, start: RunStart | null): ReplayCheck {
  const { environment, run } = manifest;
  const said = start === null ? null : firstJsonDifference({ environment: start.environment }, { environment });
  if (said !== null)
    return failed('code', `${runFolder(run)}run.json says at ${said.path} ${said.first}, the capsule ${said.second}`);
  const bundle = sealedDifference(manifest, 'bundle', environment.bundleSha256);
  const difference = bundle ?? sealedDifference(manifest, 'lockfile', environment.lockfileSha256);
  if (difference !== null) return failed('code', difference);
  const runtime = `Temporal SDK ${environment.temporalSdk}, Node ${environment.node}; replayed on Node ${process.versions.node}`;
  return ok('code', `bundle ${environment.bundleSha256.slice(0, 16)}, ${runtime}`);
}

function sealedDifference({ entries }: CapsuleManifest, kind: EntryKind, recorded: string | null): string | null {
  const sealed = entries.find((entry) => entry.kind === kind)?.sha256 ?? null;
  if (sealed === recorded) return null;
  return `the run recorded the ${kind} ${recorded ?? 'none'}, archived is ${sealed ?? 'none'}`;
}
