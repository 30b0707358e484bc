import type { Config, ServiceAddresses } from '../domain/config.ts';
import type { CodedError } from '../domain/errors.ts';
import { checkGiven, embedsS3, embedsTemporal, givenS3, givenTemporal } from './addresses.ts';
import type { RunningServer, StartOptions } from './embedded-run.ts';
import { openKeeper } from './kept-servers.ts';
import { s3Program, temporalProgram } from './programs.ts';
import { resolveProgram } from './resolve.ts';
import { startS3 } from './s3-server.ts';
import { startTemporal } from './temporal-server.ts';

export { startS3 } from './s3-server.ts';
export { startTemporal } from './temporal-server.ts';

/** Both services, ready. It owns processes: stop it. */
export type RunningServices = {
  readonly addresses: ServiceAddresses;
  /** Resolves when an embedded server ends without having been asked to; never where none is embedded. */
  readonly failure: Promise<CodedError>;
  stop(): Promise<void>;
};

/**
 * Starts what the configuration leaves to perdura, finding, downloading or building the programs first, and waits until it serves; what
 * the configuration names is only looked at. The servers end with this process, whatever way it ends; they do not keep it alive.
 *
 * @throws CodedError CONFLICT when another process runs them on the same home folder; PORT_IN_USE; DISK_FULL; SERVICE_UNOBTAINABLE;
 * SERVICE_UNAVAILABLE when a given service does not answer; CONFIG_INVALID.
 * @example
 * const services = await startServices(config, { onProgress: console.error });
 * try { await work(services.addresses); } finally { await services.stop(); }
 */
export async function startServices(config: Config, options: Omit<StartOptions, 'keeper'>): Promise<RunningServices> {
  await checkGiven(config);
  const given = { temporal: givenTemporal(config), s3: givenS3(config) };
  if (given.temporal !== null && given.s3 !== null) {
    const addresses = { temporal: given.temporal, s3: given.s3 };
    return { addresses, failure: new Promise(() => undefined), stop: () => Promise.resolve() };
  }
  const environment = options.environment ?? process.env;
  await obtainPrograms(config, { ...options, environment });
  const keeper = await openKeeper(environment);
  const startOptions = { ...options, environment, keeper };
  const starting = [
    service(given.temporal, () => startTemporal(config, startOptions)),
    service(given.s3, () => startS3(config, startOptions)),
  ] as const;
  try {
    const [temporal, s3] = await Promise.all(starting);
    return {
      addresses: { temporal: temporal.address, s3: s3.address },
      failure: Promise.race([temporal.failure, s3.failure]),
      async stop() {
        await Promise.all([temporal.stop(), s3.stop()]);
        await keeper.close();
      },
    };
  } catch (error) {
    await keeper.close();
    await Promise.allSettled(starting);
    throw error;
  }
}

/** One after the other: two builds at once would take the same time and twice the memory. */
async function obtainPrograms(config: Config, options: Required<Omit<StartOptions, 'keeper'>>): Promise<void> {
  const { cacheFolder } = config;
  const wanted = [
    ...(embedsTemporal(config) ? [{ program: temporalProgram, binary: config.temporalBinary }] : []),
    ...(embedsS3(config) ? [{ program: s3Program, binary: config.s3Binary }] : []),
  ];
  for (const { program, binary } of wanted) {
    const found = await resolveProgram(program, { ...options, binary, cacheFolder });
    if (found.source === 'release' || found.source === 'go') {
      options.onProgress(`${program.name} ${program.version}: ready, in ${found.path}`);
    }
  }
}

type Service<Address> = Pick<RunningServer<Address>, 'address' | 'failure' | 'stop'>;

/** A given service neither fails nor stops with us. */
async function service<Address>(
  given: Address | null,
  start: () => Promise<RunningServer<Address>>,
): Promise<Service<Address>> {
  if (given === null) return start();
  return { address: given, failure: new Promise(() => undefined), stop: () => Promise.resolve() };
}
