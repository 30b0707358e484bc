import { S3Client } from '@aws-sdk/client-s3';

import type { ServiceAddresses } from '../../domain/config.ts';
import { type Duration, durationMs } from '../../domain/duration.ts';

// The SDK's version is pinned, so its warning that later ones drop Node 20 would only stand in the way of every command's output.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

/** How long a connection may be silent before a request counts as failed, and how often a request is tried. */
export type Patience = { readonly silentAtMost: Duration; readonly tries: number };

const patient: Patience = { silentAtMost: '1 minute', tries: 4 };

/**
 * Opens a client with kept-alive connections. Destroy it when done.
 *
 * Checksums are sent explicitly by whoever writes (see s3-object-store.ts): the SDK's default, a CRC32 trailer in aws-chunked
 * encoding, is not understood by every store that speaks S3.
 */
export function createS3Client(s3: ServiceAddresses['s3'], patience: Patience = patient): S3Client {
  const { accessKeyId, secretAccessKey, endpoint, region } = s3;
  return new S3Client({
    region,
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    ...(accessKeyId === null || secretAccessKey === null ? {} : { credentials: { accessKeyId, secretAccessKey } }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: patience.tries,
    requestHandler: { connectionTimeout: durationMs('5 seconds'), socketTimeout: durationMs(patience.silentAtMost) },
  });
}
