import { randomUUID } from 'node:crypto';
import type { ServiceAddresses } from '../../domain/config.ts';

/** The Temporal and the S3 that the whole test run shares. Take a bucket, workflow ids and task queues of your own. */
export function testServices(): ServiceAddresses {
  const shared = process.env['PERDURA_TEST_SERVICES'];
  if (shared === undefined) {
    throw new Error(
      "PERDURA_TEST_SERVICES is not set: jest's globalSetup starts the services; PERDURA_TEST_EMBEDDED=off suppresses it.",
    );
  }
  return JSON.parse(shared) as ServiceAddresses;
}

/** A bucket name that no other test uses. */
export function freshBucketName(): string {
  return `test-${randomUUID().slice(0, 18)}`;
}
