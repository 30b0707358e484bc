import type { RunKey } from '../domain/run.ts';
import { type ObjectCache, createObjectCache } from '../stores/object-cache.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import type { CapsuleManifest, RecordedHistory } from './capsule.ts';
import { checkDecisions } from './check-decisions.ts';
import { checkObjects } from './check-objects.ts';
import { checkCode } from './check-code.ts';
import { type Evidence, checkRecords, readSealedStart, readText } from './check-records.ts';
import { allValues, parseHistory } from './history.ts';
import { openCapsule } from './open-capsule.ts';
import { type ReplayCheck, type ReplayReport, failed, ok, toReport } from './report.ts';
import { strictReplay } from './strict-replay.ts';

/** What a replay needs. `publicKey`: the PEM text of the one signing key to trust; without it the bucket's copy is taken. */
export type ReplayDeps = { readonly store: ObjectStore; readonly cacheFolder: string; readonly publicKey?: string };

/**
 * Proves a past run from the bucket alone, without Temporal: the signature and the Merkle root, every object's bytes, the archived code
 * against the histories with all values, and each verdict from its recorded measurements. Archived code runs only if it is the signed one.
 *
 * @throws CodedError NOT_FOUND when the run was never sealed, SERVICE_UNAVAILABLE when the bucket does not answer.
 */
export async function replayRun(deps: ReplayDeps, run: RunKey): Promise<ReplayReport> {
  const startedAt = performance.now();
  const { manifest, checks } = await openCapsule(deps, run);
  const all = [...checks, ...(manifest === null ? [] : await replayManifest(deps, manifest))];
  return toReport(all, Math.round(performance.now() - startedAt));
}

async function replayManifest(deps: ReplayDeps, manifest: CapsuleManifest): Promise<readonly ReplayCheck[]> {
  const { checks, altered } = await checkObjects(deps.store, manifest.entries);
  const cache = createObjectCache(deps.store, deps.cacheFolder);
  const histories = await readHistories(cache, manifest, altered);
  const evidence = { manifest, altered, histories };
  return [
    ...manifest.missing.map(({ name, reason }) => failed('missing', `${name} is missing since the sealing: ${reason}`)),
    ...checks,
    checkCode(manifest, await readSealedStart(cache, evidence)),
    ...(await replayHistories(cache, evidence)),
    ...(await checkRecords(cache, evidence)),
    recomputeDecisions(manifest, histories),
  ];
}

async function readHistories(
  cache: ObjectCache,
  manifest: CapsuleManifest,
  altered: ReadonlySet<string>,
): Promise<readonly RecordedHistory[]> {
  const histories: RecordedHistory[] = [];
  for (const { name, ...history } of manifest.histories) {
    const entry = manifest.entries.find((each) => each.name === name && each.kind === 'history');
    if (entry === undefined || altered.has(name)) continue;
    histories.push({ ...history, historyJson: await readText(cache, entry) });
  }
  return histories;
}

async function replayHistories(cache: ObjectCache, evidence: Evidence): Promise<readonly ReplayCheck[]> {
  const { manifest, altered, histories } = evidence;
  const bundle = manifest.entries.find(({ kind }) => kind === 'bundle');
  if (bundle === undefined || altered.has(bundle.name))
    return [failed('strict replay', `not run, because ${bundle?.key ?? 'the workflow bundle'} is not the sealed one`)];
  const file = await cache.localFile(bundle);
  const checks: ReplayCheck[] = [];
  for (const { name, workflowRunId } of manifest.histories) {
    const history = histories.find((each) => each.workflowRunId === workflowRunId);
    if (history === undefined)
      checks.push(failed('strict replay', `${name} not replayed, because it is not the sealed one`));
    else checks.push(await replayHistory(file, history));
  }
  return checks.length > 0 ? checks : [failed('strict replay', 'the capsule holds no history')];
}

async function replayHistory(bundleFile: string, history: RecordedHistory): Promise<ReplayCheck> {
  const { commands, difference } = await strictReplay(bundleFile, history);
  if (difference !== null) return failed('strict replay', difference);
  return ok('strict replay', `${history.workflowId}: ${commands} commands and results as recorded`);
}

function recomputeDecisions(manifest: CapsuleManifest, histories: readonly RecordedHistory[]): ReplayCheck {
  if (histories.length < manifest.histories.length) {
    return failed('verdicts', 'not recomputed, because a history is not the sealed one');
  }
  const values = histories.flatMap(({ historyJson, workflowId }) => allValues(parseHistory(historyJson, workflowId)));
  const { decisions, findings, unmeasured, withheld, differences } = checkDecisions(values);
  if (differences.length > 0) return failed('verdicts', differences.join('; '));
  const counts = `decisions: ${decisions}, findings: ${findings}, without a measurement: ${unmeasured}, passes withheld: ${withheld}`;
  return ok('verdicts', `each follows from its measurements (${counts})`);
}
