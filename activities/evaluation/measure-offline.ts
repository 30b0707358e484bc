import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import type { ModelReference, Signature } from '../../domain/model-package.ts';
import type { DataSlice } from '../../domain/snapshot.ts';
import { useHoldOut } from '../../stores/hold-outs.ts';
import { downloadPackage } from '../../stores/packages.ts';
import { openSlice } from '../../stores/slices.ts';
import { scoreRows } from '../../training/score.ts';
import type { EvaluationDependencies } from './dependencies.ts';
import { needsOutcomes, requireEvaluable, requireFitting } from './evaluable.ts';
import { measureBehaviour } from './measure-behaviour.ts';
import { isPerformanceMetric, measurePerformance } from './measure-performance.ts';
import { measureQuality, type ScoredHoldOut } from './measure-quality.ts';
import { type ModelInput, openPackedModel } from './packed-model.ts';
import { pairScores, type ScoredModel, scoredRows } from './pair-scores.ts';
import { sampleRecords } from './sample-records.ts';

/** Who is judged on which rows, by which guardrails. */
export type OfflineRequest = {
  readonly challenger: ModelReference;
  readonly champion: ModelReference | null;
  readonly on: DataSlice;
  readonly guardrails: readonly Guardrail[];
};

/** The challenger's package and the rows, on this machine. */
type Opened = {
  readonly dependencies: EvaluationDependencies;
  readonly request: OfflineRequest;
  readonly packageFolder: string;
  readonly signature: Signature;
  readonly rows: { readonly parquetFiles: readonly string[]; readonly where: string };
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
};

/**
 * Measures a challenger before its release, for each guardrail in their order: its quality on a hold-out, beside the champion's on the same
 * rows where a guardrail compares; how far groups lie apart; how the packed model behaves and performs. Only what is asked for is done.
 * The use of the hold-out is counted before it is scored, once for a call however often it is attempted.
 *
 * @throws CodedError INPUT_INVALID for a guardrail that cannot be measured on this model or that compares models of two tasks; MODEL_INVALID,
 * FEATURES_INVALID, DATA_UNREADABLE, PACKAGE_ALTERED, PACKAGE_UNSIGNED; the signal's reason when the step is cancelled.
 */
export async function measureOffline(
  dependencies: EvaluationDependencies,
  request: OfflineRequest,
): Promise<readonly Measurement[]> {
  const { guardrails } = request;
  requireEvaluable(guardrails);
  const opened = await open(dependencies, request);
  requireFitting(guardrails, opened.signature);
  const scored = guardrails.some(needsOutcomes) ? await scoreHoldOut(opened) : null;
  const performance = await performanceOf(opened);
  const measurements: Measurement[] = [];
  for (const [place, guardrail] of guardrails.entries()) {
    opened.note(`measuring ${guardrail.metric}, guardrail ${place + 1} of ${guardrails.length}`);
    measurements.push(await measureOne(guardrail, { opened, scored, performance }));
  }
  return measurements;
}

type Evidence = {
  readonly opened: Opened;
  readonly scored: ScoredHoldOut | null;
  readonly performance: Awaited<ReturnType<typeof measurePerformance>>;
};

async function measureOne(guardrail: Guardrail, { opened, scored, performance }: Evidence): Promise<Measurement> {
  const { metric, cases } = guardrail;
  if (isPerformanceMetric(metric)) return performance.get(metric) ?? { metric, value: null, n: 0 };
  if (cases !== undefined) return behaviourOf(opened, cases);
  if (scored === null) return { metric, value: null, n: 0 };
  return measureQuality(guardrail, scored, {
    pause: async () => {
      opened.signal.throwIfAborted();
      await setImmediate();
    },
  });
}

async function open(dependencies: EvaluationDependencies, request: OfflineRequest): Promise<Opened> {
  const beat = dependencies.beat();
  const packageFolder = await downloadPackage(dependencies.store, request.challenger, dependencies.packages);
  const signature: Signature = JSON.parse(await readFile(join(packageFolder, 'signature.json'), 'utf8'));
  return {
    dependencies,
    request,
    packageFolder,
    signature,
    rows: await openSlice(dependencies, request.on),
    signal: beat.signal,
    note: (text) => beat.note(text),
  };
}

async function scoreHoldOut(opened: Opened): Promise<ScoredHoldOut> {
  const { dependencies, request, packageFolder, signature } = opened;
  const { challenger, champion, on, guardrails } = request;
  const use = await useHoldOut(dependencies.store, { model: challenger.model, data: on, call: dependencies.callId() });
  const by = [...new Set(guardrails.flatMap((guardrail) => guardrail.by ?? []))];
  const own = await score(opened, challenger, { packageFolder, target: signature.target, by });
  const compared = champion !== null && guardrails.some(({ rule }) => rule === 'nonInferior');
  const pair = compared ? pairScores(own, await scoreChampion(opened, champion)) : null;
  return { own: scoredRows(own), pair, by: own.scores.by, refused: own.scores.refused, use };
}

async function scoreChampion(opened: Opened, champion: ModelReference): Promise<ScoredModel> {
  const { store, packages } = opened.dependencies;
  const packageFolder = await downloadPackage(store, champion, packages);
  const { target }: Signature = JSON.parse(await readFile(join(packageFolder, 'signature.json'), 'utf8'));
  return score(opened, champion, { packageFolder, target, by: [] });
}

async function score(
  { dependencies, request, rows, signal, note }: Opened,
  version: ModelReference,
  what: { readonly packageFolder: string; readonly target: Signature['target']; readonly by: readonly string[] },
): Promise<ScoredModel> {
  const scores = await scoreRows({
    ...rows,
    dataset: request.on.snapshot.dataset,
    workFolder: dependencies.workFolder,
    packageFolder: what.packageFolder,
    by: what.by,
    signal,
    onRows: (count) => note(`${version.model} version ${version.modelVersion}: ${count} rows scored`),
  });
  return { scores, target: what.target };
}

async function performanceOf(opened: Opened): Promise<Evidence['performance']> {
  const metrics = opened.request.guardrails.map(({ metric }) => metric).filter(isPerformanceMetric);
  if (metrics.length === 0) return new Map();
  opened.note('measuring the packed model in a fresh process');
  const { packageFolder, signal } = opened;
  const model = await openPackedModel(packageFolder);
  await model.close();
  const sample = (count: number) => recordsOf(opened, model, count);
  return measurePerformance(metrics, { packageFolder, sample, signal });
}

async function behaviourOf(opened: Opened, cases: NonNullable<Guardrail['cases']>): Promise<Measurement> {
  const model = await openPackedModel(opened.packageFolder);
  try {
    const sample = (count: number) => recordsOf(opened, model, count);
    return await measureBehaviour(model, cases, { sample, signal: opened.signal });
  } finally {
    await model.close();
  }
}

function recordsOf(
  { rows, request, dependencies, signature }: Opened,
  { features }: Pick<Awaited<ReturnType<typeof openPackedModel>>, 'features'>,
  count: number,
): Promise<readonly ModelInput[]> {
  const { workFolder } = dependencies;
  const { target } = signature;
  return sampleRecords({ ...rows, dataset: request.on.snapshot.dataset, workFolder, target, features }, count);
}
