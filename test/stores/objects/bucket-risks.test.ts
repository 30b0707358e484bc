import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';

import {
  CreateBucketCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';

import type { ServiceAddresses } from '../../../domain/config.ts';
import { ensureBucket } from '../../../stores/objects/bucket.ts';
import { bucketRisks } from '../../../stores/objects/bucket-risks.ts';
import { createS3Client } from '../../../stores/objects/s3-client.ts';
import { codeOf } from '../../contracts/object-store.ts';
import { embeddedConfig, until } from '../../support/embedded.ts';
import { motoProgram } from '../../support/moto-server.ts';
import { freshBucket, type TestS3, withTestS3 } from '../../support/test-s3.ts';

const rules: LifecycleRule[] = [
  {
    ID: 'old versions',
    Status: 'Enabled',
    Filter: { Prefix: 'data/' },
    NoncurrentVersionExpiration: { NoncurrentDays: 30 },
  },
  {
    ID: 'tagged',
    Status: 'Enabled',
    Filter: {
      And: {
        Prefix: 'snap',
        Tags: [
          { Key: 'keep', Value: 'no' },
          { Key: 'x', Value: 'y' },
        ],
      },
    },
    Expiration: { Days: 7 },
  },
  { ID: 'off', Status: 'Disabled', Filter: { Prefix: '' }, Expiration: { Days: 1 } },
  {
    ID: 'uploads',
    Status: 'Enabled',
    Filter: { Prefix: '' },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
  },
];
const expiring = [
  { id: 'old versions', prefix: 'data/', days: 30, of: 'noncurrent', only: null },
  { id: 'tagged', prefix: 'snap', days: 7, of: 'current', only: 'tagged keep=no and tagged x=y' },
];

describe('on versitygw', () => {
  let server: TestS3;
  beforeAll(async () => {
    server = await withTestS3();
  }, 30_000);
  afterAll(() => server.stop());

  test('a bucket of ours has versioning, and lifecycle rules, which the server does not know, are named as not checked', async () => {
    await ensureBucket(server.s3);
    expect(await bucketRisks(server.s3)).toEqual({
      bucket: server.s3.bucket,
      versioning: 'enabled',
      expiring: [],
      notChecked: ['Lifecycle rules: this S3 server does not know them (NotImplemented), so it could not be asked.'],
    });
  }, 30_000);

  test('versioning that was never on and versioning that was suspended are told apart', async () => {
    const s3 = { ...server.s3, bucket: freshBucket() };
    await withClient(s3, async (client) => {
      await client.send(new CreateBucketCommand({ Bucket: s3.bucket }));
      expect((await bucketRisks(s3)).versioning).toBe('never');
      for (const Status of ['Enabled', 'Suspended'] as const)
        await client.send(new PutBucketVersioningCommand({ Bucket: s3.bucket, VersioningConfiguration: { Status } }));
      expect((await bucketRisks(s3)).versioning).toBe('suspended');
    });
  });

  test('a bucket that does not exist is no bucket without risks', async () => {
    expect(await codeOf(bucketRisks({ ...server.s3, bucket: freshBucket() }))).toBe('BUCKET_UNSUITABLE');
  });
});

/** What moto 5.2.5 answered for the rules above, byte for byte but for the line breaks. */
const recorded = `<?xml version="1.0" encoding="utf-8"?><LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<Rule><ID>old versions</ID><Filter><Prefix>data/</Prefix></Filter><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>30</NoncurrentDays></NoncurrentVersionExpiration></Rule>
<Rule><Expiration><Days>7</Days></Expiration><ID>tagged</ID><Filter><And><Prefix>snap</Prefix><Tag><Key>keep</Key><Value>no</Value></Tag><Tag><Key>x</Key><Value>y</Value></Tag></And></Filter><Status>Enabled</Status></Rule>
<Rule><Expiration><Days>1</Days></Expiration><ID>off</ID><Filter><Prefix/></Filter><Status>Disabled</Status></Rule>
<Rule><ID>uploads</ID><Filter><Prefix/></Filter><Status>Enabled</Status><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>`;

test('lifecycle rules are read from the XML that a server sent', async () => {
  const wanted = { bucket: 'some-bucket', versioning: 'never', expiring, notChecked: [] };
  expect(await risksWhere({ status: 200, lifecycle: recorded })).toEqual(wanted);
});

test('keys that may not read lifecycle rules are told which right they lack', async () => {
  const lifecycle = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>';
  expect((await risksWhere({ status: 403, lifecycle })).notChecked).toEqual([
    'Lifecycle rules: these keys may not read them (AccessDenied). Allow s3:GetLifecycleConfiguration.',
  ]);
});

async function risksWhere({ status, lifecycle }: { readonly status: number; readonly lifecycle: string }) {
  const server = createServer((request, response) => {
    const asked = request.url?.includes('lifecycle') === true;
    response.writeHead(asked ? status : 200, { 'content-type': 'application/xml' });
    response.end(asked ? lifecycle : '<VersioningConfiguration/>');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const endpoint = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  try {
    const s3 = { endpoint, region: 'us-east-1', bucket: 'some-bucket', accessKeyId: 'a', secretAccessKey: 'b' };
    return await bucketRisks(s3);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const program = await motoProgram(embeddedConfig(tmpdir()).cacheFolder);
const moto = 'path' in program ? program.path : '';

(moto === '' ? describe.skip : describe)('missing' in program ? program.missing : 'on moto', () => {
  test('a bucket without lifecycle rules has none, and of those it gets the ones that take objects away are told', async () => {
    const port = 20_000 + (process.pid % 20_000);
    const server = spawn(moto, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    const endpoint = `http://127.0.0.1:${port}`;
    const s3 = { endpoint, region: 'us-east-1', bucket: freshBucket(), accessKeyId: 'a', secretAccessKey: 'b' };
    try {
      await until('moto answers', () => answers(endpoint, server), 20_000);
      await ensured(s3);
      expect(await bucketRisks(s3)).toEqual({ bucket: s3.bucket, versioning: 'enabled', expiring: [], notChecked: [] });
      await withClient(s3, (client) =>
        client.send(
          new PutBucketLifecycleConfigurationCommand({ Bucket: s3.bucket, LifecycleConfiguration: { Rules: rules } }),
        ),
      );
      expect(await bucketRisks(s3)).toEqual({ bucket: s3.bucket, versioning: 'enabled', expiring, notChecked: [] });
    } finally {
      server.kill('SIGTERM');
    }
  }, 30_000);
});

async function ensured(s3: ServiceAddresses['s3']): Promise<void> {
  await withClient(s3, async (client) => {
    await client.send(new CreateBucketCommand({ Bucket: s3.bucket }));
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: s3.bucket, VersioningConfiguration }));
  });
}

async function withClient(
  s3: ServiceAddresses['s3'],
  work: (client: ReturnType<typeof createS3Client>) => Promise<unknown>,
): Promise<void> {
  const client = createS3Client(s3);
  try {
    await work(client);
  } finally {
    client.destroy();
  }
}

async function answers(endpoint: string, server: ChildProcess): Promise<boolean> {
  if (server.exitCode !== null) throw new Error(`moto ended with ${server.exitCode}`);
  return fetch(endpoint).then(
    () => true,
    () => false,
  );
}
