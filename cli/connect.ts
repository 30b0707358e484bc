import { setTimeout as delay } from 'node:timers/promises';

import type { Config, ServiceAddresses } from '../domain/config.ts';
import { isCoded } from '../domain/errors.ts';
import { embedsS3, givenS3, givenTemporal } from '../services/addresses.ts';
import { findServices } from '../services/find.ts';
import { startS3, startServices } from '../services/start.ts';
import { ensureBucket } from '../stores/objects/bucket.ts';
import { createS3ObjectStore } from '../stores/objects/s3-object-store.ts';
import type { Cleanup } from './processes.ts';

/** How services are looked for. */
export type ConnectOptions = {
  readonly cleanup: Cleanup;
  readonly onProgress: (line: string) => void;
};

/** Another process that is just starting the same services is waited for so long. */
const waitForOtherMs = 20_000;

/**
 * Finds Temporal and S3: those of the environment, else the ones that run for this home folder, else starts embedded ones until the
 * command ends. Then makes sure of the bucket.
 *
 * @throws CodedError of the services or of the bucket.
 */
export async function connectServices(config: Config, options: ConnectOptions): Promise<ServiceAddresses> {
  const addresses = await findOrStart({
    given: () => givenServices(config),
    find: () => findServices(config),
    start: async () => {
      const services = await startServices(config, { onProgress: options.onProgress });
      options.cleanup.add(() => services.stop());
      options.cleanup.failsWith(services.failure);
      return services.addresses;
    },
    onProgress: options.onProgress,
  });
  await ensureBucket(addresses.s3);
  return addresses;
}

/** The services as the environment names them; null when one of the two is not named and thus embedded. */
export function givenServices(config: Config): ServiceAddresses | null {
  const temporal = givenTemporal(config);
  const s3 = givenS3(config);
  return temporal === null || s3 === null ? null : { temporal, s3 };
}

/**
 * The bucket alone, for commands that only look into it: Temporal need not run and is not started. Nothing is written into a given bucket, so
 * that an auditor's keys may be for reading alone; the embedded server's bucket is made where it is missing.
 *
 * @throws CodedError of the services or of the bucket.
 */
export async function connectBucket(
  config: Config,
  options: ConnectOptions,
): Promise<ReturnType<typeof createS3ObjectStore>> {
  const s3 = await connectS3(config, options);
  if (embedsS3(config)) await ensureBucket(s3);
  const store = createS3ObjectStore(s3);
  options.cleanup.add(() => {
    store.close();
    return Promise.resolve();
  });
  return store;
}

/** As `connectBucket`, for commands that put something there: the bucket is made where it is missing, and what it can do is checked. */
export async function connectBucketToWrite(
  config: Config,
  options: ConnectOptions,
): Promise<ReturnType<typeof createS3ObjectStore>> {
  await ensureBucket(await connectS3(config, options));
  return connectBucket(config, options);
}

/** Where S3 answers, or will: a given one need not be up yet. The bucket is not looked at. */
export async function connectS3(config: Config, options: ConnectOptions): Promise<ServiceAddresses['s3']> {
  return findOrStart({
    given: () => givenS3(config),
    find: async () => (await findServices(withoutTemporal(config)))?.s3 ?? null,
    start: async () => {
      const server = await startS3(config, { onProgress: options.onProgress });
      options.cleanup.add(() => server.stop());
      options.cleanup.failsWith(server.failure);
      return server.address;
    },
    onProgress: options.onProgress,
  });
}

type Ways<Address> = {
  readonly given: () => Address | null;
  readonly find: () => Promise<Address | null>;
  readonly start: () => Promise<Address>;
  readonly onProgress: (line: string) => void;
};

/** A Temporal that is named is not looked for: then S3 is found also where it runs alone. */
function withoutTemporal(config: Config): Config {
  return { ...config, temporal: { ...config.temporal, address: config.temporal.address ?? 'not needed' } };
}

async function findOrStart<Address>(ways: Ways<Address>): Promise<Address> {
  const given = ways.given();
  if (given !== null) return given;
  for (let deadline: number | null = null; ; await delay(250)) {
    const found = await ways.find();
    if (found !== null) return found;
    try {
      return await ways.start();
    } catch (error) {
      if (!isCoded(error, 'CONFLICT') || (deadline !== null && Date.now() > deadline)) throw error;
      if (deadline === null) ways.onProgress('Another process starts or stops the services; waiting for it.');
      deadline ??= Date.now() + waitForOtherMs;
    }
  }
}
