import { createServer, type RequestListener } from 'node:http';

import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';

import type { ServiceAddresses } from '../../../domain/config.ts';
import { ensureBucket } from '../../../stores/objects/bucket.ts';
import { createS3Client } from '../../../stores/objects/s3-client.ts';
import { createS3ObjectStore } from '../../../stores/objects/s3-object-store.ts';
import { codeOf, objectStoreContract } from '../../contracts/object-store.ts';
import { freshBucket, type TestS3, withTestS3 } from '../../support/test-s3.ts';

const text = (value: string) => new TextEncoder().encode(value);

objectStoreContract('S3', async () => {
  const { s3, stop } = await withTestS3();
  await ensureBucket(s3);
  const store = createS3ObjectStore(s3, { pageSize: 5 });
  return {
    store,
    keys: 12,
    close: async () => {
      store.close();
      await stop();
    },
  };
});

describe('on versitygw', () => {
  let server: TestS3;
  let s3: ServiceAddresses['s3'];
  beforeAll(async () => {
    server = await withTestS3();
    s3 = server.s3;
    await ensureBucket(s3);
  }, 30_000);
  afterAll(() => server.stop());

  test('a version under retention cannot be deleted, another can', async () => {
    const [store, client] = [createS3ObjectStore(s3), createS3Client(s3)];
    try {
      const retainUntil = new Date(Date.now() + 60 * 60 * 1000);
      const locked = await store.write('evidence/a', text('sealed'), { retainUntil });
      const free = await store.write('free', text('x'));
      const remove = (key: string, VersionId: string) =>
        client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: key, VersionId }));
      await expect(remove('evidence/a', locked.s3VersionId)).rejects.toMatchObject({
        $metadata: { httpStatusCode: 403 },
      });
      await remove('free', free.s3VersionId);
      expect((await store.head('evidence/a', locked)).sizeBytes).toBe(6);
      expect(await codeOf(store.head('free'))).toBe('NOT_FOUND');
    } finally {
      store.close();
      client.destroy();
    }
  });

  test('a deleted key is NOT_FOUND and its earlier versions stay readable', async () => {
    const [store, client] = [createS3ObjectStore(s3), createS3Client(s3)];
    try {
      const written = await store.write('deleted', text('still here'));
      const { VersionId } = await client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: 'deleted' }));
      expect(await codeOf(store.read('deleted'))).toBe('NOT_FOUND');
      expect(await codeOf(store.read('deleted', { s3VersionId: VersionId ?? '' }))).toBe('NOT_FOUND');
      expect((await store.versions('deleted')).map(({ s3VersionId }) => s3VersionId)).toEqual([written.s3VersionId]);
      expect((await store.read('deleted', written)).bytes).toEqual(text('still here'));
      for await (const { key } of store.list('deleted', { pins: 'with-versions' })) throw new Error(`lists ${key}`);
    } finally {
      store.close();
      client.destroy();
    }
  });

  test('the server refuses a body that does not have the announced SHA-256', async () => {
    const client = createS3Client(s3);
    const ofNothing = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
    const put = new PutObjectCommand({ Bucket: s3.bucket, Key: 'damaged', Body: 'x', ChecksumSHA256: ofNothing });
    await expect(client.send(put)).rejects.toMatchObject({ name: 'BadDigest' });
    client.destroy();
  });

  test('a bucket that does not exist is named, and is not taken for a missing object', async () => {
    const store = createS3ObjectStore({ ...s3, bucket: freshBucket() });
    expect(await codeOf(store.read('a'))).toBe('BUCKET_UNSUITABLE');
    store.close();
  });

  test('refused keys are CONFIG_INVALID', async () => {
    const store = createS3ObjectStore({ ...s3, secretAccessKey: 'wrong' });
    expect(await codeOf(store.read('a'))).toBe('CONFIG_INVALID');
    store.close();
  });
});

describe('with a server that fails', () => {
  test('no answer is SERVICE_UNAVAILABLE and names key, bucket and endpoint', async () => {
    await withServer(
      (_, response) => response.destroy(),
      async (s3, endpoint) => {
        const store = createS3ObjectStore(s3);
        const failure = await store.read('runs/a.json').catch((error: unknown) => error);
        store.close();
        expect(failure).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
        expect(String(failure)).toContain(`'runs/a.json' in bucket 'some-bucket' at ${endpoint}`);
      },
    );
  });

  test('503 is SERVICE_UNAVAILABLE after it was tried again', async () => {
    let requests = 0;
    const busy: RequestListener = (_, response) => {
      requests++;
      response.writeHead(503).end();
    };
    await withServer(busy, async (s3) => {
      const store = createS3ObjectStore(s3);
      expect(await codeOf(store.write('a', text('x')))).toBe('SERVICE_UNAVAILABLE');
      store.close();
    });
    expect(requests).toBeGreaterThan(1);
  });

  test('a download that breaks off is SERVICE_UNAVAILABLE, not a short object', async () => {
    const halved: RequestListener = (_, response) => {
      response.writeHead(200, { 'content-length': '100', etag: '"a"' });
      response.write('only this', () => response.destroy());
    };
    await withServer(halved, async (s3) => {
      const store = createS3ObjectStore(s3);
      const received: Uint8Array[] = [];
      const download = async () => {
        for await (const chunk of store.stream('a')) received.push(chunk);
      };
      expect(await codeOf(download())).toBe('SERVICE_UNAVAILABLE');
      expect(await codeOf(store.read('a'))).toBe('SERVICE_UNAVAILABLE');
      store.close();
      expect(Buffer.concat(received).toString()).toBe('only this');
    });
  });
});

async function withServer(
  listener: RequestListener,
  work: (s3: ServiceAddresses['s3'], endpoint: string) => Promise<void>,
): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const endpoint = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  try {
    await work(
      { endpoint, region: 'us-east-1', bucket: 'some-bucket', accessKeyId: 'a', secretAccessKey: 'b' },
      endpoint,
    );
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}
