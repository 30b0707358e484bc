import { createReadStream } from 'node:fs';

import {
  type GetObjectCommandOutput,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';

import type { ServiceAddresses } from '../../domain/config.ts';
import { CodedError } from '../../domain/errors.ts';
import { bodyFacts } from './object-body.ts';
import type { ObjectBody, ObjectStore, StoredVersion, WriteOptions } from './object-store.ts';
import { createS3Client, type Patience } from './s3-client.ts';
import { askS3, describePlace, type S3Place } from './s3-errors.ts';

/**
 * `pageSize`: keys per listing request, 1000 at most (S3's own limit and the default). `patience`: for small objects, whose reader wants to know soon
 * that S3 is away; a minute of silence and 4 tries unless given.
 */
export type S3StoreOptions = { readonly pageSize?: number; readonly patience?: Patience };

type Bucket = {
  readonly client: S3Client;
  readonly s3: ServiceAddresses['s3'];
  readonly pageSize: number;
};
type VersionChoice = { readonly s3VersionId?: string };

/**
 * The object store on any S3 with versioning. One PutObject writes one object, at most 5 GiB; a file is streamed and not retried
 * by the SDK (a stream cannot be rewound): the caller's step is. Close it to drop its connections.
 */
export function createS3ObjectStore(
  s3: ServiceAddresses['s3'],
  options: S3StoreOptions = {},
): ObjectStore & { close(): void } {
  const client = createS3Client(s3, options.patience);
  const bucket: Bucket = { client, s3, pageSize: options.pageSize ?? 1000 };
  return {
    head: (key, choice) => head(bucket, key, choice),
    read: (key, choice) => read(bucket, key, choice),
    stream: (key, choice) => stream(bucket, key, choice),
    write: (key, body, writeOptions) => write(bucket, key, body, writeOptions),
    list: (prefix, listOptions) => (listOptions?.pins === undefined ? list(bucket, prefix) : listPins(bucket, prefix)),
    versions: (key) => versions(bucket, key),
    close: () => client.destroy(),
  };
}

async function head(bucket: Bucket, key: string, choice: VersionChoice = {}): Promise<StoredVersion> {
  const answer = await askS3(placeOf(bucket, key, choice), () =>
    bucket.client.send(new HeadObjectCommand(target(bucket, key, choice))),
  );
  return toVersion(key, answer.VersionId ?? choice.s3VersionId, answer.ETag, answer.ContentLength, answer.LastModified);
}

async function read(bucket: Bucket, key: string, choice: VersionChoice = {}) {
  return askS3(placeOf(bucket, key, choice), async () => {
    const answer = await bucket.client.send(new GetObjectCommand(target(bucket, key, choice)));
    const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    return { version: gotVersion(key, choice, answer, bytes.byteLength), bytes };
  });
}

async function* stream(bucket: Bucket, key: string, choice: VersionChoice = {}): AsyncIterable<Uint8Array> {
  const place = placeOf(bucket, key, choice);
  const answer = await askS3(place, () => bucket.client.send(new GetObjectCommand(target(bucket, key, choice))));
  const chunks = chunksOf(answer)[Symbol.asyncIterator]();
  let received = 0;
  try {
    for (;;) {
      const chunk = await askS3(place, () => chunks.next());
      if (chunk.done === true) break;
      received += chunk.value.byteLength;
      yield chunk.value;
    }
  } finally {
    await chunks.return?.();
  }
  if (answer.ContentLength !== undefined && received !== answer.ContentLength)
    throw new CodedError(
      'SERVICE_UNAVAILABLE',
      `S3 broke off after ${received} of ${answer.ContentLength} bytes of ${describePlace(place)}. Try again.`,
    );
}

async function write(
  bucket: Bucket,
  key: string,
  body: ObjectBody,
  options: WriteOptions = {},
): Promise<StoredVersion> {
  const facts = await bodyFacts(key, body);
  const command = new PutObjectCommand({
    Bucket: bucket.s3.bucket,
    Key: key,
    Body: body instanceof Uint8Array ? body : createReadStream(body.file),
    ContentLength: facts.sizeBytes,
    ChecksumSHA256: facts.sha256Base64,
    ...conditions(options),
  });
  // PutObject does not say when the version was made; the answer's Date header is the server's clock at that moment.
  let answeredAt: Date | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      answeredAt = dateHeader(result.response);
      return result;
    },
    { step: 'deserialize', priority: 'low' },
  );
  const answer = await askS3(placeOf(bucket, key), () => bucket.client.send(command));
  return toVersion(key, answer.VersionId, answer.ETag, facts.sizeBytes, answeredAt);
}

async function* list(bucket: Bucket, prefix: string): AsyncIterable<StoredVersion> {
  let token: string | undefined;
  do {
    const page = await askS3(placeOf(bucket, prefix), () =>
      bucket.client.send(
        new ListObjectsV2Command({
          Bucket: bucket.s3.bucket,
          Prefix: prefix,
          MaxKeys: bucket.pageSize,
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
      ),
    );
    for (const { Key, ETag, Size, LastModified } of page.Contents ?? [])
      if (Key !== undefined) yield toVersion(Key, '', ETag, Size, LastModified);
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

async function versions(bucket: Bucket, key: string): Promise<readonly StoredVersion[]> {
  const found: StoredVersion[] = [];
  for await (const page of versionPages(bucket, key)) {
    for (const { Key, VersionId, ETag, Size, LastModified } of page.Versions ?? [])
      if (Key === key) found.push(toVersion(Key, VersionId, ETag, Size, LastModified));
    // The prefix also matches longer keys, but all versions of the key itself come first.
    if (page.NextKeyMarker !== key) break;
  }
  return found;
}

/**
 * The newest versions with their ids; a key whose newest version is a delete marker has none. A page that begins within a key's versions
 * may begin with the key's newest again (versitygw 1.7.0 does).
 */
async function* listPins(bucket: Bucket, prefix: string): AsyncIterable<StoredVersion> {
  let last: string | undefined;
  for await (const page of versionPages(bucket, prefix))
    for (const { Key, VersionId, ETag, Size, LastModified, IsLatest } of page.Versions ?? []) {
      if (IsLatest !== true || Key === undefined || Key === last) continue;
      last = Key;
      yield toVersion(Key, VersionId, ETag, Size, LastModified);
    }
}

async function* versionPages(bucket: Bucket, prefix: string): AsyncGenerator<ListObjectVersionsCommandOutput> {
  const { client, s3, pageSize } = bucket;
  let marker: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } | undefined = {};
  while (marker !== undefined) {
    const input = { Bucket: s3.bucket, Prefix: prefix, MaxKeys: pageSize, ...marker };
    const page: ListObjectVersionsCommandOutput = await askS3(placeOf(bucket, prefix), () =>
      client.send(new ListObjectVersionsCommand(input)),
    );
    yield page;
    const { IsTruncated, NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
    const more = IsTruncated === true && KeyMarker !== undefined;
    marker = more ? { KeyMarker, ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }) } : undefined;
  }
}

function conditions(options: WriteOptions): Partial<PutObjectCommandInput> {
  return {
    ...(options.ifMatch === undefined ? {} : { IfMatch: `"${options.ifMatch}"` }),
    ...(options.ifAbsent === true ? { IfNoneMatch: '*' } : {}),
    ...(options.contentType === undefined ? {} : { ContentType: options.contentType }),
    ...(options.retainUntil === undefined
      ? {}
      : { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: options.retainUntil }),
  };
}

function target(bucket: Bucket, key: string, choice: VersionChoice) {
  const version = choice.s3VersionId === undefined ? {} : { VersionId: choice.s3VersionId };
  return { Bucket: bucket.s3.bucket, Key: key, ...version };
}

function placeOf(bucket: Bucket, key: string, choice: VersionChoice = {}): S3Place {
  return { s3: bucket.s3, key, s3VersionId: choice.s3VersionId };
}

function gotVersion(key: string, choice: VersionChoice, answer: GetObjectCommandOutput, size: number): StoredVersion {
  return toVersion(key, answer.VersionId ?? choice.s3VersionId, answer.ETag, size, answer.LastModified);
}

/** Etags come quoted or bare, from request to request: they are kept bare, so that they compare. */
function toVersion(
  key: string,
  s3VersionId: string | undefined,
  etag: string | undefined,
  sizeBytes: number | undefined,
  modifiedAt: Date | undefined,
): StoredVersion {
  return {
    key,
    s3VersionId: s3VersionId ?? '',
    etag: (etag ?? '').replaceAll('"', ''),
    sizeBytes: sizeBytes ?? 0,
    modifiedAt: modifiedAt?.toISOString() ?? '',
  };
}

function chunksOf(answer: GetObjectCommandOutput): AsyncIterable<Uint8Array> {
  const body: unknown = answer.Body;
  if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body)
    return body as AsyncIterable<Uint8Array>;
  return (async function* none() {})();
}

function dateHeader(response: unknown): Date | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const { date } = response.headers as Readonly<Record<string, string | undefined>>;
  return date === undefined ? undefined : new Date(date);
}
