import type { Config, ServiceAddresses } from '../domain/config.ts';
import type { CodedFailure } from '../domain/failure.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import type { DriftFound } from './drift.ts';
import type { Scene } from './scene.ts';
import type { RunFact, Summary } from './summary.ts';
import { signatureName } from '../audit/capsule.ts';
import { isCoded } from '../domain/errors.ts';
import { evidenceFolder } from '../domain/run.ts';
import { listModels } from '../stores/registry.ts';
import { driftThroughSpring } from './drift.ts';
import { firstRelease } from './first-release.ts';
import { trafficTotals } from './live-traffic.ts';
import { scheduledRelease } from './scheduled-release.ts';
import { type Stack, scoped } from './scoped.ts';
import { type ServedFeatures, servedFeatures } from './served-features.ts';
import { setUp } from './set-up.ts';
import { stoppedAtTheGate } from './stopped-at-the-gate.ts';
import { until } from './watch-run.ts';

/** What the living part of the job leaves for the audit and the summary. */
export type Lived = {
  readonly runs: readonly RunFact[];
  readonly models: Summary['models'];
  readonly requests: Summary['requests'];
  readonly gate: CodedFailure | null;
  readonly drift: DriftFound;
  readonly features: ServedFeatures;
  readonly addresses: ServiceAddresses;
  readonly setUpAt: number;
};

/** How the job tells what it does. */
export type Teller = { readonly say: (line: string) => void; readonly chapter: (title: string) => void };

/** Everything that needs Temporal: from the first release to the retraining and the sealed capsules. */
export async function live(config: Config, teller: Teller, cleanup: Stack): Promise<Lived> {
  const { say, chapter } = teller;
  return scoped(cleanup, async (stack) => {
    chapter('Services');
    const scene = await setUp(config, stack, say);
    const setUpAt = Date.now();
    chapter('1. January arrives: the first release');
    await firstRelease(scene);
    chapter('2. February arrives: the schedule starts the pipeline, March is the live traffic');
    await scheduledRelease(scene);
    chapter('3. A broken batch arrives');
    const gate = await stoppedAtTheGate(scene);
    chapter('4. Traffic moves on through April, May and June; the monitor watches');
    const drift = await driftThroughSpring(scene);
    chapter('5. Were the features served those that training would have seen?');
    const features = await servedFeatures(scene);
    chapter('6. The capsules are sealed');
    await allSealed(scene);
    const { runs, addresses } = scene;
    return {
      runs,
      models: await modelFacts(scene.store),
      requests: trafficTotals(scene),
      gate,
      drift,
      features,
      addresses,
      setUpAt,
    };
  });
}

/** Capsules are sealed after a run has closed: the job must not take Temporal away before. */
async function allSealed(scene: Scene): Promise<void> {
  for (const run of scene.runs) {
    const key = `${evidenceFolder(run)}${signatureName}`;
    await until(`the capsule of ${run.workflowId}`, () => stands(scene.store, key));
    scene.say(`  ${key}`);
  }
}

async function stands(store: ObjectStore, key: string): Promise<boolean> {
  try {
    await store.head(key);
    return true;
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND')) return false;
    throw error;
  }
}

async function modelFacts(store: ObjectStore): Promise<Summary['models']> {
  const registries = await listModels(store);
  return registries.flatMap((registry) =>
    registry.versions.map((version) => ({
      model: registry.model,
      modelVersion: version.modelVersion,
      semanticVersion: version.semanticVersion,
      status: version.status,
      aliases: (['champion', 'challenger'] as const).filter(
        (alias) => registry.aliases[alias] === version.modelVersion,
      ),
    })),
  );
}
