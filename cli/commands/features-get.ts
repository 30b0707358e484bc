import type { PastValues } from '../../domain/aggregate.ts';
import { CodedError } from '../../domain/errors.ts';
import { type FeatureModule, type FeatureRow, parseRecord, type RawRecord } from '../../domain/features.ts';
import { readConfig } from '../../project/config.ts';
import { pastValues } from '../../stores/online/past-values.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { heading, table } from '../output.ts';
import { openPipelineFeatures } from '../pipeline-features.ts';
import { withCleanup } from '../processes.ts';
import { printable } from '../snapshots.ts';

/** `perdura features get`: what a model of the pipeline would get for a record right now. */
export async function featuresGet(
  { output, environment, folder }: Context,
  pipeline: string,
  options: { readonly record: string },
): Promise<number> {
  const json = parseJson(options.record);
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const { module, aggregates, online } = await openPipelineFeatures(config, pipeline, cleanup);
    const record = parseRecord(module.record, json);
    const past = await pastValues(online, aggregates, record);
    const features = applied(module, record, past);
    output.answer({ pipeline, past, features }, () => describe(past, features));
    return 0;
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw usageError('INPUT_INVALID', `--record is not JSON: ${why}. Write for example --record '{"origin":"ATL"}'.`);
  }
}

function applied(module: FeatureModule, record: RawRecord, past: PastValues): FeatureRow {
  try {
    return module.features(record, past);
  } catch (cause) {
    const message = `The feature function failed: ${String(cause)}. Correct the pipeline's features.ts.`;
    throw new CodedError('FEATURES_INVALID', message, { cause });
  }
}

function describe(past: PastValues, features: FeatureRow): string {
  const known = Object.entries(past).map(([name, value]) => [name, value === null ? 'no event' : String(value)]);
  const given = Object.entries(features).map(([name, value]) => [name, printable(String(value))]);
  return `${heading('Known of the past')}\n${table(['AGGREGATE', 'VALUE'], known)}\n\n${heading('Features')}\n${table(['FEATURE', 'VALUE'], given)}`;
}
