import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DeleteObjectCommand } from '@aws-sdk/client-s3';

import type { SnapshotFile, SnapshotReference } from '../../../domain/snapshot.ts';
import { ensureBucket } from '../../../stores/objects/bucket.ts';
import type { BucketRisks } from '../../../stores/objects/bucket-risks.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { createS3Client } from '../../../stores/objects/s3-client.ts';
import { createS3ObjectStore } from '../../../stores/objects/s3-object-store.ts';
import { readManifest, sealSnapshot } from '../../../stores/snapshots/manifest.ts';
import { verifySnapshot } from '../../../stores/snapshots/verify.ts';
import { codeOf } from '../../contracts/object-store.ts';
import { type RestartableS3, restartableS3 } from '../../support/restartable-s3.ts';
import { snapshotOf } from './files.ts';

const sound: BucketRisks = { bucket: 'some-bucket', versioning: 'enabled', expiring: [], notChecked: [] };
const reading = { bytes: 'read' as const, risks: async () => sound };
const trusting = { bytes: 'trust' as const, risks: async () => sound };

describe('in memory', () => {
  let store: ObjectStore;
  let reference: SnapshotReference;
  beforeEach(async () => {
    store = createMemoryObjectStore();
    reference = await sealed(store);
  });

  test('a whole snapshot has no finding, and says what was read and what was not asked', async () => {
    const notChecked = ['Lifecycle rules: the server does not know them'];
    const heard: number[] = [];
    const options = { ...reading, risks: async () => ({ ...sound, notChecked }), onFile: (n: number) => heard.push(n) };
    expect(await verifySnapshot(store, reference, options)).toEqual({
      dataset: 'flights',
      digest: reference.digest,
      files: 3,
      bytesRead: 16,
      notChecked,
      findings: [],
    });
    expect(heard).toEqual([1, 2, 3]);
    expect(await verifySnapshot(store, reference, trusting)).toMatchObject({ bytesRead: 0, findings: [] });
  });

  test('newer versions of its keys do not concern a snapshot', async () => {
    await store.write('data/flights/a.csv', Buffer.from('newer'));
    expect((await verifySnapshot(store, reference, reading)).findings).toEqual([]);
  });

  test('an altered root is manifest-altered, an altered part too, a part that is gone is part-missing', async () => {
    const [part] = (await readManifest(store, reference)).parts;
    const key = `snapshots/flights/parts/${part?.sha256 ?? ''}.json`;
    const without: ObjectStore = {
      ...store,
      read: (asked, options) => store.read(asked === key ? 'gone' : asked, options),
    };
    expect((await verifySnapshot(without, reference, reading)).findings).toMatchObject([
      { fault: 'part-missing', key },
    ]);
    await store.write(key, Buffer.from('[]'));
    expect((await verifySnapshot(store, reference, reading)).findings).toMatchObject([
      { fault: 'manifest-altered', key },
    ]);
    const root = `snapshots/flights/${reference.digest}.json`;
    await store.write(root, Buffer.from('{}'));
    expect((await verifySnapshot(store, reference, reading)).findings).toMatchObject([
      { fault: 'manifest-altered', key: root },
    ]);
  });

  test('a snapshot that was never sealed is NOT_FOUND', async () => {
    expect(await codeOf(verifySnapshot(store, { dataset: 'flights', digest: 'abc' }, reading))).toBe('NOT_FOUND');
  });

  test.each(['suspended', 'never'] as const)(
    'versioning that is %s is found, and named by the bucket',
    async (versioning) => {
      const risks = async () => ({ ...sound, versioning });
      expect((await verifySnapshot(store, reference, { bytes: 'trust', risks })).findings).toMatchObject([
        { fault: 'versioning-suspended', key: 'some-bucket' },
      ]);
    },
  );

  test('a rule that deletes old versions is found where it reaches pinned files, once', async () => {
    const rule = { id: 'old', days: 30, of: 'noncurrent' as const, only: 'tagged keep=no' };
    const findings = async (prefix: string) => {
      const risks = async () => ({ ...sound, expiring: [{ ...rule, prefix }] });
      return (await verifySnapshot(store, reference, { bytes: 'trust', risks })).findings;
    };
    expect(await findings('data/trains/')).toEqual([]);
    expect(await findings('snapshots/')).toEqual([]);
    expect(await findings('data/fl')).toEqual([
      {
        fault: 'lifecycle-would-expire',
        key: 'some-bucket',
        detail:
          "Lifecycle rule 'old' of bucket 'some-bucket' deletes versions that were written over after 30 days, under 'data/fl' if tagged keep=no: " +
          'it reaches 3 objects of this snapshot, data/flights/a.csv first. Leave these keys out of it.',
      },
    ]);
  });

  test('a rule that hides newest versions reaches manifests, and data only where no versions are kept', async () => {
    const risksOf = (prefix: string, versioning: 'enabled' | 'never') => async () => ({
      ...sound,
      versioning,
      expiring: [{ id: 'hide', prefix, days: 7, of: 'current' as const, only: null }],
    });
    const faults = async (prefix: string, versioning: 'enabled' | 'never' = 'enabled') => {
      const proof = await verifySnapshot(store, reference, { bytes: 'trust', risks: risksOf(prefix, versioning) });
      return proof.findings.map(({ fault }) => fault);
    };
    expect(await faults('data/')).toEqual([]);
    expect(await faults('snapshots/flights/parts/')).toEqual(['lifecycle-would-expire']);
    expect(await faults('snapshots/flights/history')).toEqual(['lifecycle-would-expire']);
    expect(await faults('data/', 'never')).toEqual(['versioning-suspended', 'lifecycle-would-expire']);
  });
});

describe('on versitygw', () => {
  let server: RestartableS3;
  let store: ObjectStore & { close(): void };
  beforeAll(async () => {
    server = await restartableS3();
    await ensureBucket(server.s3);
    store = createS3ObjectStore(server.s3);
  }, 60_000);
  afterAll(async () => {
    store.close();
    await server.stop();
  });

  test('a pinned version that was deleted and bytes that changed below the server are found, each by its key', async () => {
    const reference = await sealed(store);
    const { files } = await verifySnapshot(store, reference, reading);
    expect(files).toBe(3);
    const [a] = await store.versions('data/flights/a.csv');
    const client = createS3Client(server.s3);
    const gone = { Bucket: server.s3.bucket, Key: 'data/flights/a.csv', VersionId: a?.s3VersionId };
    await client.send(new DeleteObjectCommand(gone));
    client.destroy();
    // Same length: only the bytes tell.
    const path = join(server.dataFolder, 'data/flights/b.csv');
    await writeFile(path, (await readFile(path)).fill('x'));
    expect((await verifySnapshot(store, reference, reading)).findings).toEqual([
      { fault: 'version-deleted', key: 'data/flights/a.csv', detail: expect.stringContaining(a?.s3VersionId ?? '') },
      { fault: 'bytes-changed', key: 'data/flights/b.csv', detail: expect.stringContaining('5 bytes with SHA-256') },
    ]);
    expect((await verifySnapshot(store, reference, trusting)).findings).toMatchObject([{ fault: 'version-deleted' }]);
    await writeFile(path, 'longer than before');
    expect((await verifySnapshot(store, reference, trusting)).findings).toMatchObject([
      { fault: 'version-deleted' },
      { fault: 'bytes-changed', detail: expect.stringContaining('18 bytes') },
    ]);
  }, 30_000);

  test('no answer proves nothing', async () => {
    const reference = await sealed(store);
    await server.down();
    try {
      expect(await codeOf(verifySnapshot(store, reference, reading))).toBe('SERVICE_UNAVAILABLE');
    } finally {
      await server.up();
    }
  }, 60_000);
});

async function sealed(store: ObjectStore): Promise<SnapshotReference> {
  const files: SnapshotFile[] = [];
  for (const [name, words] of Object.entries({ a: 'first', b: 'other', c: 'third.' })) {
    const key = `data/flights/${name}.csv`;
    const { s3VersionId } = await store.write(key, Buffer.from(words));
    const sha256 = createHash('sha256').update(words).digest('hex');
    files.push({ key, s3VersionId, sizeBytes: words.length, sha256, rows: 1, format: 'csv' });
  }
  return sealSnapshot(store, snapshotOf(files));
}
