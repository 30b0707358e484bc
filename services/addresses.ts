import type { Config, ServiceAddresses } from '../domain/config.ts';
import { CodedError } from '../domain/errors.ts';
import { loopback } from './ports.ts';
import { probeHttp, probeTemporal } from './probe.ts';
import type { S3Keys } from './s3-keys.ts';

/** Whether the configuration leaves Temporal to the embedded dev server. */
export function embedsTemporal(config: Config): boolean {
  return config.temporal.address === null;
}

/** Whether the configuration leaves S3 to the embedded server. */
export function embedsS3(config: Config): boolean {
  return config.s3.endpoint === null && config.s3.accessKeyId === null;
}

/** Where the embedded Temporal answers. */
export function embeddedTemporal(
  config: Config,
  ports: { port: number; uiPort: number },
): ServiceAddresses['temporal'] {
  return {
    address: `${loopback}:${ports.port}`,
    namespace: config.temporal.namespace,
    apiKey: null,
    uiUrl: `http://${loopback}:${ports.uiPort}`,
  };
}

/** Where the embedded S3 answers. */
export function embeddedS3(config: Config, port: number, keys: S3Keys): ServiceAddresses['s3'] {
  return { endpoint: `http://${loopback}:${port}`, region: config.s3.region, bucket: config.s3.bucket, ...keys };
}

/** The Temporal that the configuration names; null when it is the embedded one. */
export function givenTemporal(config: Config): ServiceAddresses['temporal'] | null {
  const { address, namespace, apiKey } = config.temporal;
  return address === null ? null : { address, namespace, apiKey, uiUrl: null };
}

/** The S3 that the configuration names; null when it is the embedded one. */
export function givenS3(config: Config): ServiceAddresses['s3'] | null {
  if (embedsS3(config)) return null;
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = config.s3;
  return { endpoint, region, bucket, accessKeyId, secretAccessKey };
}

/**
 * Looks whether the given services answer, before work starts that needs them.
 *
 * @throws CodedError SERVICE_UNAVAILABLE naming the address and what to do.
 */
export async function checkGiven(config: Config): Promise<void> {
  const temporal = givenTemporal(config);
  const problem = temporal === null ? null : await probeTemporal(temporal);
  if (temporal !== null && problem !== null)
    throw unavailable('Temporal', temporal.address, problem, 'TEMPORAL_ADDRESS');
  const s3 = givenS3(config);
  if (s3 === null) return;
  const endpoint = s3.endpoint ?? `https://s3.${s3.region}.amazonaws.com`;
  const silent = await probeHttp(endpoint);
  if (silent !== null) throw unavailable('S3', endpoint, silent, 'S3_ENDPOINT');
}

function unavailable(service: string, address: string, problem: string, setting: string): CodedError {
  return new CodedError(
    'SERVICE_UNAVAILABLE',
    `${service} at ${address} ${problem}. Start it or correct its settings; unset ${setting} to use the embedded one.`,
    { details: { address } },
  );
}
