import type { Config } from '../domain/config.ts';
import { checkGiven, embedsS3, embedsTemporal } from './addresses.ts';
import { freeBytes, mebibytes } from './disk.ts';
import { findServices } from './find.ts';
import { isFree } from './ports.ts';
import { s3Program, type ServerProgram, temporalProgram } from './programs.ts';
import { findPresent } from './resolve.ts';
import { runProgram } from './run-program.ts';
import { readState } from './state.ts';

/** One line of the doctor. `remedy` null: there is nothing to do. */
export type Check = {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  readonly remedy: string | null;
};

/** `environment`: this process's own when left out. `ownPorts`: on which this home folder's model server listens. */
export type DoctorOptions = { readonly environment?: NodeJS.ProcessEnv; readonly ownPorts?: readonly number[] };

const oldestNode = [20, 19] as const;
const gibibyte = 1_024 * 1_048_576;

/** Looks at everything that a run needs of this machine and says what is wrong and what to do. It starts, fetches and changes nothing. */
export async function diagnose(config: Config, options: DoctorOptions = {}): Promise<readonly Check[]> {
  const environment = options.environment ?? process.env;
  const running = (await findServices(config)) !== null;
  const own = [...(running ? servicePorts(config) : []), ...(options.ownPorts ?? [])];
  const checks = await Promise.all([
    ...(embedsTemporal(config) ? [checkProgram(temporalProgram, config.temporalBinary, config, environment)] : []),
    ...(embedsS3(config) ? [checkProgram(s3Program, config.s3Binary, config, environment)] : []),
    checkServices(config, running),
    ...configuredPorts(config).map((port) => checkPort(port, own)),
    checkDisk('state', config.homeFolder, 'PERDURA_HOME', 2 * gibibyte),
    checkDisk('programs', config.cacheFolder, 'PERDURA_CACHE', gibibyte),
    checkGpu(environment),
  ]);
  return [checkNode(process.versions.node), ...checks];
}

/** Whether this Node is new enough. */
export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const enough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  const found = `Node ${version}`;
  if (enough) return { name: 'node', status: 'ok', found, remedy: null };
  return { name: 'node', status: 'fail', found, remedy: `Install Node ${oldestNode.join('.')} or later.` };
}

async function checkProgram(
  program: ServerProgram,
  binary: string | null,
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<Check> {
  const name = `program ${program.name}`;
  try {
    const found = await findPresent(program, { binary, cacheFolder: config.cacheFolder, environment });
    if (found !== null) return { name, status: 'ok', found: `${found.path} (${found.source})`, remedy: null };
    const remedy = `The first start downloads or builds ${program.version}; or name a program in ${program.setting}.`;
    return { name, status: 'warn', found: 'not here yet', remedy };
  } catch (error) {
    return { name, status: 'fail', found: wordsOf(error), remedy: `Correct or unset ${program.setting}.` };
  }
}

async function checkServices(config: Config, running: boolean): Promise<Check> {
  const name = 'services';
  const embedded = [...(embedsTemporal(config) ? ['Temporal'] : []), ...(embedsS3(config) ? ['S3'] : [])].join(' and ');
  try {
    await checkGiven(config);
  } catch (error) {
    return { name, status: 'fail', found: wordsOf(error), remedy: 'Start that service, or correct its settings.' };
  }
  if (embedded === '') return { name, status: 'ok', found: 'the given Temporal and S3 answer', remedy: null };
  const found = running ? `embedded ${embedded}: running` : `embedded ${embedded}: not running`;
  return { name, status: 'ok', found, remedy: running ? null : "'perdura dev' starts what is not running." };
}

type ConfiguredPort = { readonly setting: string; readonly port: number };

function configuredPorts(config: Config): readonly ConfiguredPort[] {
  const ports = [
    { setting: 'PERDURA_TEMPORAL_PORT', port: embedsTemporal(config) ? config.temporal.port : null },
    { setting: 'PERDURA_TEMPORAL_UI_PORT', port: embedsTemporal(config) ? config.temporal.uiPort : null },
    { setting: 'PERDURA_S3_PORT', port: embedsS3(config) ? config.s3.port : null },
    { setting: 'PERDURA_SERVING_PORT', port: config.serving.port },
    { setting: 'PERDURA_SERVING_GRPC_PORT', port: config.serving.grpcPort },
    { setting: 'PERDURA_SERVING_ADMIN_PORT', port: config.serving.adminPort },
  ];
  return ports.flatMap(({ setting, port }) => (port === null ? [] : [{ setting, port }]));
}

/** The ports of our own services, while they run. */
function servicePorts(config: Config): readonly (number | null)[] {
  return Object.values(readState(config.homeFolder)).flatMap((server) =>
    server === null ? [] : [server.port, server.uiPort],
  );
}

async function checkPort({ setting, port }: ConfiguredPort, own: readonly (number | null)[]): Promise<Check> {
  const name = `port ${port} (${setting})`;
  if (own.includes(port)) return { name, status: 'ok', found: 'in use by our own server', remedy: null };
  if (await isFree(port)) return { name, status: 'ok', found: 'free', remedy: null };
  const remedy = `Set ${setting} to another port, or unset it to take a free one.`;
  return { name, status: 'fail', found: 'taken by another process', remedy };
}

async function checkDisk(what: string, folder: string, setting: string, wanted: number): Promise<Check> {
  const name = `disk for ${what}`;
  const free = await freeBytes(folder);
  const found = `${mebibytes(free)} MiB free for ${folder}`;
  if (free >= wanted) return { name, status: 'ok', found, remedy: null };
  const remedy = `Free space there, or set ${setting} to a folder on a larger disk; ${mebibytes(wanted)} MiB are wanted.`;
  return { name, status: free < wanted / 8 ? 'fail' : 'warn', found, remedy };
}

async function checkGpu(environment: NodeJS.ProcessEnv): Promise<Check> {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
  const ran = await runProgram('nvidia-smi', query, { limit: '10 seconds', environment });
  const name = 'gpu';
  if (ran.code === 0 && ran.output.trim() !== '') {
    const found = ran.output.trim().split('\n').join('; ');
    return { name, status: 'ok', found: `${found} (name, memory, driver)`, remedy: null };
  }
  return {
    name,
    status: 'ok',
    found: 'none (no working nvidia-smi): training and serving use the processor',
    remedy: null,
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
