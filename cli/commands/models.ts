import { CodedError } from '../../domain/errors.ts';
import type { ModelVersion, Registry } from '../../domain/registry.ts';
import { readConfig } from '../../project/config.ts';
import { listModels } from '../../stores/registry.ts';
import { connectBucket } from '../connect.ts';
import type { Context } from '../context.ts';
import { suggestion } from '../nearest.ts';
import { coloured, heading, moment, table } from '../output.ts';
import { withCleanup } from '../processes.ts';

/** `perdura models`: registered models with versions and aliases, read from the bucket alone. */
export async function models({ output, environment, folder }: Context, name: string | undefined): Promise<number> {
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const store = await connectBucket(config, { cleanup, onProgress: output.progress });
    const all = await listModels(store);
    if (name === undefined) {
      output.answer({ models: all }, () => describeAll(all));
      return 0;
    }
    const found = all.find((registry) => registry.model === name);
    if (found === undefined) throw modelNotFound(name, all);
    output.answer(found, () => describeOne(found));
    return 0;
  });
}

function describeAll(all: readonly Registry[]): string {
  if (all.length === 0) return "No models yet. A pipeline's train step registers them.";
  return table(
    ['MODEL', 'VERSION', 'ALIAS', 'STATUS', 'CREATED', 'RUN'],
    all.flatMap((registry) => registry.versions.map((version) => [registry.model, ...versionRow(registry, version)])),
  );
}

function describeOne(registry: Registry): string {
  const versions = table(
    ['VERSION', 'ALIAS', 'STATUS', 'CREATED', 'RUN', 'ROWS', 'REASON'],
    registry.versions.map((version) => [
      ...versionRow(registry, version),
      String(version.data.rows),
      version.reason ?? '',
    ]),
  );
  const moves = table(
    ['AT', 'ALIAS', 'FROM', 'TO', 'WHO', 'WHY'],
    registry.moves.map((move) => [moment(move.at), move.alias, move.from ?? '', move.to ?? '', move.who, move.why]),
  );
  return `${heading(registry.model)}\n${versions}\n\n${heading('Moves of aliases')}\n${moves}`;
}

function versionRow(registry: Registry, version: ModelVersion): readonly string[] {
  const aliases = Object.entries(registry.aliases).filter(([, target]) => target === version.modelVersion);
  return [
    version.modelVersion,
    aliases.map(([alias]) => alias).join(', '),
    coloured(version.status),
    moment(version.createdAt),
    version.run.workflowId,
  ];
}

function modelNotFound(name: string, all: readonly Registry[]): CodedError {
  const names = all.map((registry) => registry.model);
  return new CodedError(
    'NOT_FOUND',
    `Model '${name}' not found.${suggestion(name, names)} List them with 'perdura models'.`,
  );
}
