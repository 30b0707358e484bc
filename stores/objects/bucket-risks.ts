import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  type LifecycleRule,
  type S3Client,
} from '@aws-sdk/client-s3';

import type { ServiceAddresses } from '../../domain/config.ts';
import { type CodedError, isCoded } from '../../domain/errors.ts';
import { createS3Client } from './s3-client.ts';
import { askS3 } from './s3-errors.ts';

/** What the settings of a bucket will do to versions that are pinned in it. */
export type BucketRisks = {
  readonly bucket: string;
  /** `suspended`: new versions write over each other, as id 'null'. */
  readonly versioning: 'enabled' | 'suspended' | 'never';
  readonly expiring: readonly ExpiringRule[];
  /** What could not be asked, and why. */
  readonly notChecked: readonly string[];
};

/**
 * An enabled lifecycle rule that takes objects away: `noncurrent` deletes versions for ever once they are written over, `current` hides the newest
 * version behind a delete marker. `days` null: at a date, or by number of versions. `only` says what else a rule asks of an object (tags, sizes)
 * and that is not known here.
 */
export type ExpiringRule = {
  readonly id: string;
  readonly prefix: string;
  readonly days: number | null;
  readonly of: 'noncurrent' | 'current';
  readonly only: string | null;
};

type S3 = ServiceAddresses['s3'];

/**
 * Asks a bucket for its versioning and lifecycle rules; two requests. A server that does not know lifecycle rules, or keys that may not ask,
 * end up in `notChecked`: what was not asked is not sound.
 *
 * @throws CodedError SERVICE_UNAVAILABLE; BUCKET_UNSUITABLE when there is no such bucket.
 */
export async function bucketRisks(s3: S3): Promise<BucketRisks> {
  const client = createS3Client(s3);
  try {
    const versioning = await askVersioning(client, s3);
    const { rules, notChecked } = await askRules(client, s3);
    return { bucket: s3.bucket, versioning, expiring: rules.flatMap(expiringRules), notChecked };
  } finally {
    client.destroy();
  }
}

async function askVersioning(client: S3Client, s3: S3): Promise<BucketRisks['versioning']> {
  const { Status } = await askS3({ s3 }, () => client.send(new GetBucketVersioningCommand({ Bucket: s3.bucket })));
  if (Status === undefined) return 'never';
  return Status === 'Enabled' ? 'enabled' : 'suspended';
}

async function askRules(
  client: S3Client,
  s3: S3,
): Promise<{ readonly rules: readonly LifecycleRule[]; readonly notChecked: readonly string[] }> {
  try {
    const command = new GetBucketLifecycleConfigurationCommand({ Bucket: s3.bucket });
    const answer = await askS3({ s3 }, () => client.send(command));
    return { rules: answer.Rules ?? [], notChecked: [] };
  } catch (error) {
    // NoSuchLifecycleConfiguration is how S3 says that there are none.
    if (isCoded(error, 'NOT_FOUND')) return { rules: [], notChecked: [] };
    const lacking = isCoded(error) && error.details['s3Error'] !== 'NoSuchBucket';
    if (!lacking || error.code === 'SERVICE_UNAVAILABLE') throw error;
    return { rules: [], notChecked: [`Lifecycle rules: ${whyNotAsked(error)}`] };
  }
}

/** That a server knows no lifecycle rules is no fault of the bucket. */
function whyNotAsked({ code, message, details }: CodedError): string {
  const answer = String(details['s3Error']);
  if (code === 'BUCKET_UNSUITABLE') return `this S3 server does not know them (${answer}), so it could not be asked.`;
  if (code === 'CONFIG_INVALID') return `these keys may not read them (${answer}). Allow s3:GetLifecycleConfiguration.`;
  return message;
}

function expiringRules(rule: LifecycleRule): readonly ExpiringRule[] {
  if (rule.Status !== 'Enabled') return [];
  const { Filter } = rule;
  const prefix = Filter?.Prefix ?? Filter?.And?.Prefix ?? (rule as { readonly Prefix?: string }).Prefix ?? '';
  const facts = { id: rule.ID ?? '', prefix, only: conditionsOf(Filter) };
  const found: ExpiringRule[] = [];
  if (rule.NoncurrentVersionExpiration !== undefined) {
    const days = rule.NoncurrentVersionExpiration.NoncurrentDays ?? null;
    found.push({ ...facts, days, of: 'noncurrent' });
  }
  const { Days, Date: date } = rule.Expiration ?? {};
  if (Days !== undefined || date !== undefined) found.push({ ...facts, days: Days ?? null, of: 'current' });
  return found;
}

function conditionsOf(filter: LifecycleRule['Filter']): string | null {
  const tags = [...(filter?.Tag === undefined ? [] : [filter.Tag]), ...(filter?.And?.Tags ?? [])];
  const larger = filter?.ObjectSizeGreaterThan ?? filter?.And?.ObjectSizeGreaterThan;
  const smaller = filter?.ObjectSizeLessThan ?? filter?.And?.ObjectSizeLessThan;
  const conditions = [
    ...tags.map(({ Key, Value }) => `tagged ${Key}=${Value}`),
    ...(larger === undefined ? [] : [`larger than ${larger} bytes`]),
    ...(smaller === undefined ? [] : [`smaller than ${smaller} bytes`]),
  ];
  return conditions.length === 0 ? null : conditions.join(' and ');
}
