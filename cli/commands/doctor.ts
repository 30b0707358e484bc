import { type Check, diagnose } from '../../services/doctor.ts';
import type { Config } from '../../domain/config.ts';
import { failureOf } from '../errors.ts';
import { readConfig } from '../../project/config.ts';
import { bundleFeatures } from '../../project/bundle-features.ts';
import { loadProject, type PipelineSource } from '../../project/load.ts';
import { givenS3 } from '../../services/addresses.ts';
import { findServices } from '../../services/find.ts';
import { checkBucket } from '../../stores/objects/bucket.ts';
import type { Context } from '../context.ts';
import { findDev } from '../dev-state.ts';
import { coloured, table } from '../output.ts';
import { readParameters } from '../parameters.ts';
import { readSchedule } from '../schedules.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `perdura doctor`: says what is wrong with the machine, the services and the project, and what to do. Starts nothing. */
export async function doctor({ output, environment, folder }: Context): Promise<number> {
  const config = readConfig(environment, folder);
  const checks = [
    ...(await diagnose(config, { environment, ownPorts: await modelServerPorts(config.homeFolder) })),
    await checkCapabilities(config),
    ...(await checkProject(config.projectFolder)),
  ];
  const failed = checks.filter((check) => check.status === 'fail').length;
  output.answer({ ok: failed === 0, checks }, () => describe(checks));
  return failed === 0 ? 0 : 1;
}

/** Of the model server that `perdura dev` keeps up; one of `perdura serve` is not known here. */
async function modelServerPorts(homeFolder: string): Promise<readonly number[]> {
  const running = await findDev(homeFolder);
  if (running === null) return [];
  const { modelServer, grpcUrl, adminUrl } = running;
  return [modelServer, `http://${grpcUrl}`, adminUrl].map((url) => Number(new URL(url).port));
}

async function checkCapabilities(config: Config): Promise<Check> {
  const name = 's3 capabilities';
  const s3 = givenS3(config) ?? (await findServices(config))?.s3 ?? null;
  if (s3 === null)
    return {
      name,
      status: 'warn',
      found: 'not tried: S3 does not run',
      remedy: "Start it with 'perdura dev' and look again.",
    };
  return attempt(name, async () => {
    await checkBucket(s3);
    return `bucket ${s3.bucket}: versioning, conditional writes, object lock`;
  });
}

async function checkProject(folder: string): Promise<readonly Check[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'perdura-doctor-'));
  try {
    const { name, pipelines } = await loadProject(folder);
    const project: Check = {
      name: 'project',
      status: pipelines.length === 0 ? 'warn' : 'ok',
      found: `${name}: ${pipelines.length === 1 ? '1 pipeline' : `${pipelines.length} pipelines`}`,
      remedy: pipelines.length === 0 ? 'Write pipelines/<name>/pipeline.ts.' : null,
    };
    return [project, ...(await Promise.all(pipelines.map((pipeline) => checkPipeline(pipeline, scratch))))];
  } catch (error) {
    return [toCheck('project', error)];
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function checkPipeline(pipeline: PipelineSource, scratch: string): Promise<Check> {
  return attempt(`pipeline ${pipeline.name}`, async () => {
    if (pipeline.featuresFile !== null) await bundleFeatures(pipeline, join(scratch, pipeline.name, 'features.mjs'));
    const schedule = await readSchedule(pipeline, scratch);
    const parameters = await readParameters(pipeline, scratch);
    const parts = [
      `function ${pipeline.functionName}`,
      ...(pipeline.featuresFile === null ? [] : ['features']),
      ...(pipeline.activitiesFile === null ? [] : ['activities']),
      ...(schedule === null ? [] : ['schedule']),
      ...(parameters === null ? [] : ['parameters']),
    ];
    return `builds: ${parts.join(', ')}`;
  });
}

async function attempt(name: string, check: () => Promise<string>): Promise<Check> {
  try {
    return { name, status: 'ok', found: await check(), remedy: null };
  } catch (error) {
    return toCheck(name, error);
  }
}

function toCheck(name: string, error: unknown): Check {
  const { code, message, remedy } = failureOf(error);
  return { name, status: 'fail', found: `${code}: ${message}`, remedy };
}

function describe(checks: readonly Check[]): string {
  const lines = table(
    ['CHECK', 'STATUS', 'FOUND'],
    checks.map((check) => [check.name, coloured(check.status), check.found]),
  );
  const remedies = checks.filter((check) => check.remedy !== null).map((check) => `${check.name}: ${check.remedy}`);
  return remedies.length === 0 ? lines : `${lines}\n\nWhat to do\n${remedies.map((line) => `  ${line}`).join('\n')}`;
}
