import {
  CreateBucketCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  PutBucketVersioningCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import type { ServiceAddresses } from '../../domain/config.ts';
import { CodedError, isCoded } from '../../domain/errors.ts';
import { hasConditionalWrites } from './conditional-writes.ts';
import { createS3Client } from './s3-client.ts';
import { askS3, describePlace, type S3Place } from './s3-errors.ts';
import { createS3ObjectStore } from './s3-object-store.ts';

/** What Perdura needs of a bucket; all of it, because nothing degrades silently. */
export type BucketCapabilities = {
  readonly versioning: boolean;
  readonly conditionalWrites: boolean;
  readonly objectLock: boolean;
};

type S3 = ServiceAddresses['s3'];

const capabilityNames: Readonly<Record<keyof BucketCapabilities, string>> = {
  versioning: 'versioning',
  conditionalWrites: 'conditional writes that hold in a race (If-Match, If-None-Match)',
  objectLock: 'object lock',
};

/**
 * Creates the bucket with versioning and object lock where it is missing, then checks it. The settings of a bucket that stands already
 * are its owner's and are left alone.
 *
 * @throws CodedError as checkBucket does.
 */
export async function ensureBucket(s3: S3): Promise<void> {
  const client = createS3Client(s3);
  try {
    if (!(await exists(client, s3))) await create(client, s3);
  } finally {
    client.destroy();
  }
  await checkBucket(s3);
}

/**
 * Asks what the bucket can do: five requests, but for the first check of a bucket, which also lets writers race (see conditional-writes.ts).
 *
 * @throws CodedError BUCKET_UNSUITABLE naming all that lacks (`details.capabilities` holds the answers) or that there is no such bucket;
 * CONFIG_INVALID when the keys may not ask; SERVICE_UNAVAILABLE.
 */
export async function checkBucket(s3: S3): Promise<BucketCapabilities> {
  const client = createS3Client(s3);
  const store = createS3ObjectStore(s3);
  try {
    const [versioning, objectLock, conditionalWrites] = await Promise.all([
      orLacking(() => hasVersioning(client, s3)),
      orLacking(() => hasObjectLock(client, s3)),
      orLacking(() => hasConditionalWrites(store)),
    ]);
    const capabilities = { versioning, conditionalWrites, objectLock };
    if (versioning && conditionalWrites && objectLock) return capabilities;
    throw unsuitable(s3, capabilities);
  } finally {
    store.close();
    client.destroy();
  }
}

async function exists(client: S3Client, s3: S3): Promise<boolean> {
  try {
    await askS3(bucketPlace(s3), () => client.send(new HeadBucketCommand({ Bucket: s3.bucket })));
    return true;
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND') || isMissingBucket(error)) return false;
    throw error;
  }
}

async function create(client: S3Client, s3: S3): Promise<void> {
  // AWS wants the region named unless it is us-east-1, where it must not be.
  const region = s3.region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: s3.region } };
  const input = { Bucket: s3.bucket, ...region } as ConstructorParameters<typeof CreateBucketCommand>[0];
  try {
    // Object lock brings versioning with it, in one request that a kill cannot halve.
    await askS3(bucketPlace(s3), () =>
      client.send(new CreateBucketCommand({ ...input, ObjectLockEnabledForBucket: true })),
    );
  } catch (error) {
    // CONFLICT: another process was first.
    if (isCoded(error, 'CONFLICT')) return;
    if (!isCoded(error, 'INPUT_INVALID') && !isCoded(error, 'BUCKET_UNSUITABLE')) throw error;
    await askS3(bucketPlace(s3), () => client.send(new CreateBucketCommand(input)));
    await orLacking(() => enableVersioning(client, s3));
  }
}

async function enableVersioning(client: S3Client, s3: S3): Promise<boolean> {
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await askS3(bucketPlace(s3), () =>
    client.send(new PutBucketVersioningCommand({ Bucket: s3.bucket, VersioningConfiguration })),
  );
  return true;
}

async function hasVersioning(client: S3Client, s3: S3): Promise<boolean> {
  const answer = await askS3(bucketPlace(s3), () => client.send(new GetBucketVersioningCommand({ Bucket: s3.bucket })));
  return answer.Status === 'Enabled';
}

async function hasObjectLock(client: S3Client, s3: S3): Promise<boolean> {
  const answer = await askS3(bucketPlace(s3), () =>
    client.send(new GetObjectLockConfigurationCommand({ Bucket: s3.bucket })),
  );
  return answer.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
}

/** False where the store says that it has no such thing; an outage, refused keys and a missing bucket stay errors. */
async function orLacking(ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch (error) {
    const lacking =
      isCoded(error, 'BUCKET_UNSUITABLE') || isCoded(error, 'NOT_FOUND') || isCoded(error, 'INPUT_INVALID');
    if (lacking && !isMissingBucket(error)) return false;
    throw error;
  }
}

function isMissingBucket(error: unknown): boolean {
  return isCoded(error, 'BUCKET_UNSUITABLE') && error.details['s3Error'] === 'NoSuchBucket';
}

function unsuitable(s3: S3, capabilities: BucketCapabilities): CodedError {
  const lacking = Object.entries(capabilityNames).flatMap(([capability, name]) =>
    capabilities[capability as keyof BucketCapabilities] ? [] : [name],
  );
  const place = describePlace(bucketPlace(s3));
  return new CodedError(
    'BUCKET_UNSUITABLE',
    `The ${place} lacks ${lacking.join(' and ')}. Switch on what it lacks, or name a bucket that does not exist yet: Perdura creates it.`,
    { details: { bucket: s3.bucket, endpoint: s3.endpoint, lacking, capabilities } },
  );
}

function bucketPlace(s3: S3): S3Place {
  return { s3 };
}
