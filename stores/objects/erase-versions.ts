import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';

import type { ServiceAddresses } from '../../domain/config.ts';
import { CodedError } from '../../domain/errors.ts';
import { mapParallel } from '../parallel.ts';
import { createS3Client } from './s3-client.ts';
import { askS3 } from './s3-errors.ts';

const parallelDeletes = 8;
/** Each round takes what was written while the one before ran. */
const mostRounds = 5;

/**
 * Deletes all versions of all objects below a prefix, for good: the one thing in Perdura that takes something out of a bucket, and therefore no
 * method of the object store. Looks again until nothing is left.
 *
 * @returns how many versions there were.
 * @throws CodedError CONFLICT when something is written again and again; CONFIG_INVALID when the keys may not delete.
 */
export async function eraseVersions(s3: ServiceAddresses['s3'], prefix: string): Promise<number> {
  if (!prefix.endsWith('/') || prefix.length < 2)
    throw new CodedError('INPUT_INVALID', `'${prefix}' is no folder of a bucket. Name one, with a slash at its end.`);
  const client = createS3Client(s3);
  try {
    let erased = 0;
    for (let round = 0; round < mostRounds; round += 1) {
      const versions = await versionsBelow(client, s3, prefix);
      if (versions.length === 0) return erased;
      await mapParallel(versions, parallelDeletes, ({ Key, VersionId, what }) => {
        if (what === 'version') erased += 1;
        return askS3({ s3, key: Key, s3VersionId: VersionId }, () =>
          client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key, VersionId })),
        );
      });
    }
    throw new CodedError('CONFLICT', `Objects below '${prefix}' are written as fast as they are deleted. Try again.`);
  } finally {
    client.destroy();
  }
}

type Version = { readonly Key: string; readonly VersionId: string; readonly what: 'version' | 'marker' };
type Marker = { readonly KeyMarker?: string; readonly VersionIdMarker?: string };

async function versionsBelow(
  client: S3Client,
  s3: ServiceAddresses['s3'],
  prefix: string,
): Promise<readonly Version[]> {
  const found = new Map<string, Version>();
  let marker: Marker | null = {};
  while (marker !== null) {
    const page: ListObjectVersionsCommandOutput = await onePage(client, s3, { Prefix: prefix, ...marker });
    for (const { Key, VersionId } of page.Versions ?? []) keep(found, Key, VersionId, 'version');
    for (const { Key, VersionId } of page.DeleteMarkers ?? []) keep(found, Key, VersionId, 'marker');
    marker = nextPage(page);
  }
  return [...found.values()];
}

function onePage(
  client: S3Client,
  s3: ServiceAddresses['s3'],
  of: Marker & { readonly Prefix: string },
): Promise<ListObjectVersionsCommandOutput> {
  return askS3({ s3, key: of.Prefix }, () => client.send(new ListObjectVersionsCommand({ Bucket: s3.bucket, ...of })));
}

function nextPage(page: ListObjectVersionsCommandOutput): Marker | null {
  const { IsTruncated, NextKeyMarker, NextVersionIdMarker } = page;
  if (IsTruncated !== true || NextKeyMarker === undefined) return null;
  return {
    KeyMarker: NextKeyMarker,
    ...(NextVersionIdMarker === undefined ? {} : { VersionIdMarker: NextVersionIdMarker }),
  };
}

function keep(
  found: Map<string, Version>,
  Key: string | undefined,
  VersionId: string | undefined,
  what: Version['what'],
): void {
  if (Key !== undefined && VersionId !== undefined) found.set(`${Key}\n${VersionId}`, { Key, VersionId, what });
}
