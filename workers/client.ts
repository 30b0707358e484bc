import type { ServiceAddresses } from '../domain/config.ts';
import { Client, Connection } from '@temporalio/client';
import { CodedError } from '../domain/errors.ts';

/** A client with its connection; close it. */
export type TemporalClient = { readonly client: Client; close(): Promise<void> };

/**
 * Connects to Temporal.
 *
 * @throws CodedError SERVICE_UNAVAILABLE naming the address.
 */
export async function connectTemporal(temporal: ServiceAddresses['temporal']): Promise<TemporalClient> {
  try {
    const connection = await Connection.connect({
      address: temporal.address,
      connectTimeout: '10 seconds',
      ...(temporal.apiKey === null ? {} : { apiKey: temporal.apiKey, tls: true }),
    });
    return { client: new Client({ connection, namespace: temporal.namespace }), close: () => connection.close() };
  } catch (error) {
    throw new CodedError(
      'SERVICE_UNAVAILABLE',
      `Temporal does not answer at ${temporal.address}. Start it, correct TEMPORAL_ADDRESS, or leave it out to use the embedded server.`,
      { cause: error },
    );
  }
}
