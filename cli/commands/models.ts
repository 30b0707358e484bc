import type { ModelVersion, Registry } from '../../domain/registry.ts';
import type { TrainerSpec } from '../../domain/trainer.ts';
import { findVersion, listModels } from '../../stores/registry.ts';
import type { Context } from '../context.ts';
import { modelNotFound } from '../models.ts';
import { coloured, heading, moment, table } from '../output.ts';
import { countText, printable, readingBucket } from '../snapshots.ts';

/** `perdura models`: registered models with versions and aliases, read from the bucket alone. */
export async function models(context: Context, name: string | undefined, version: string | undefined): Promise<number> {
  return readingBucket(context, async ({ store }) => {
    const all = await listModels(store);
    if (name === undefined) {
      context.output.answer({ models: all }, () => describeAll(all));
      return 0;
    }
    const registry = all.find(({ model }) => model === name);
    if (registry === undefined) throw modelNotFound(name, all);
    if (version === undefined) {
      context.output.answer(registry, () => describeOne(registry));
      return 0;
    }
    const found = findVersion(registry, version);
    context.output.answer({ model: name, ...found }, () => describeVersion(registry, found));
    return 0;
  });
}

function describeAll(all: readonly Registry[]): string {
  if (all.length === 0) return "No models yet. A pipeline's train step registers them.";
  return table(
    ['MODEL', 'VERSION', 'SEMANTIC', 'ALIAS', 'STATUS', 'CREATED', 'RUN'],
    all.flatMap((registry) => registry.versions.map((version) => [registry.model, ...versionRow(registry, version)])),
  );
}

function describeOne(registry: Registry): string {
  const versions = table(
    ['VERSION', 'SEMANTIC', 'ALIAS', 'STATUS', 'CREATED', 'RUN', 'ROWS', 'REASON'],
    registry.versions.map((version) => [
      ...versionRow(registry, version),
      String(version.data.rows),
      printable(version.reason ?? ''),
    ]),
  );
  const moves = table(
    ['AT', 'ALIAS', 'FROM', 'TO', 'WHO', 'WHY'],
    registry.moves.map((move) => [
      moment(move.at),
      move.alias,
      move.from ?? '',
      move.to ?? '',
      printable(move.who),
      printable(move.why),
    ]),
  );
  return `${heading(registry.model)}\n${versions}\n\n${heading('Moves of aliases')}\n${moves}`;
}

function describeVersion(registry: Registry, version: ModelVersion): string {
  const { lineage, data, run } = version;
  const { snapshot } = data;
  const facts: readonly (readonly [string, string])[] = [
    ['semantic version', version.semanticVersion],
    ['status', `${coloured(version.status)}${version.reason === null ? '' : `: ${printable(version.reason)}`}`],
    ['aliases', aliasesOf(registry, version)],
    ['created', moment(version.createdAt)],
    ['package', version.packageDigest ?? 'none yet'],
    ['run', `${run.workflowId} (${run.runId})`],
    ['data', `${snapshot.dataset}@${snapshot.digest}, ${countText(data.rows)} of ${countText(snapshot.rows)} rows`],
    ['trainer', `${trainerText(lineage.trainer)}, seed ${lineage.seed}`],
    ['features', lineage.featuresSha256],
    ['interface', lineage.interfaceSha256],
    ['model.onnx', lineage.modelSha256],
    ['code', `bundle ${lineage.environment.bundleSha256}`],
    ['git commit', lineage.environment.gitCommit ?? 'none'],
    ['lockfile', lineage.environment.lockfileSha256 ?? 'none'],
    ['made with', `Node ${lineage.environment.node}, Perdura ${lineage.environment.perdura}`],
    ['record', lineage.record.key],
  ];
  const about = Object.entries(version.about ?? {}).map(([name, value]) => [
    name,
    printable([value].flat().join('; ')),
  ]);
  return `${heading(`${registry.model} version ${version.modelVersion}`)}\n${table(
    ['', ''],
    [...facts, ...about].map((row) => [...row]),
  )}`;
}

function trainerText(trainer: TrainerSpec): string {
  switch (trainer.kind) {
    case 'dense':
      return `dense [${trainer.hidden.join(', ')}], ${trainer.epochs} epochs`;
    case 'program':
      return `program ${printable(trainer.command.join(' '))} ${JSON.stringify(trainer.params)}`;
    case 'activity':
      return `activity ${printable(trainer.name)} ${JSON.stringify(trainer.params)}`;
    default:
      return trainer satisfies never;
  }
}

function versionRow(registry: Registry, version: ModelVersion): readonly string[] {
  return [
    version.modelVersion,
    version.semanticVersion,
    aliasesOf(registry, version),
    coloured(version.status),
    moment(version.createdAt),
    version.run.workflowId,
  ];
}

function aliasesOf(registry: Registry, version: ModelVersion): string {
  const aliases = Object.entries(registry.aliases).filter(([, target]) => target === version.modelVersion);
  return aliases.map(([alias]) => alias).join(', ');
}
