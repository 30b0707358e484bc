import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openLogCollector } from '../../../serving/log/collector.ts';
import { createKeyCourier } from '../../../serving/log/key-courier.ts';
import type { LogWriter } from '../../../serving/log/log-writer.ts';
import { openLogWriter } from '../../../serving/log/open-log-writer.ts';
import { lookAtReplica } from '../../../serving/log/replica-folder.ts';
import { keyFolder, openSubjectKeys } from '../../../serving/log/subject-keys.ts';
import { sha256Hex } from '../../../stores/digest.ts';
import { writeDocumentOnce } from '../../../stores/documents.ts';
import { createSubjectKeyring } from '../../../stores/inference-rows.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { subjectKeyPrefix, tombstoneKey } from '../../../stores/subject-key-documents.ts';
import { collectorOptions, rowsOf } from './bucket-rows.ts';
import { keeping, loggedRow } from './rows.ts';

let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-keys-'));
  store = createMemoryObjectStore();
});
afterEach(() => rm(folder, { recursive: true }));

const policy = keeping({ encrypt: { columns: ['age', 'text'], group: 'customer' } });
const row = (requestId: string, customer: string) => loggedRow(requestId, { record: { customer, age: 42 } });

async function logged(write: (writer: LogWriter) => Promise<void>, at: ObjectStore = store): Promise<void> {
  const collector = await openLogCollector(collectorOptions(folder, { store: at }));
  const writer = openLogWriter({ folder, replica: 'one', writer: 'a1', flushEveryMs: 60_000 });
  await write(writer);
  writer.close();
  await collector.close({ atMostMs: 10_000 });
}

async function keysIn(prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

test('encrypted columns are unreadable without the key, and as they were with it', async () => {
  await logged((writer) => writer.append(policy, [row('a', 'c1'), row('b', 'c2'), row('c', 'c1')]));
  const rows = await rowsOf(store);
  expect(rows.map(({ record, features }) => [record, features])).toEqual([
    ['{"customer":"c1","age":42}', '{"age":42,"distance":0.1}'],
    ['{"customer":"c2","age":42}', '{"age":42,"distance":0.1}'],
    ['{"customer":"c1","age":42}', '{"age":42,"distance":0.1}'],
  ]);
  expect(rows[0]?.keyId).toBe(rows[2]?.keyId);
  expect(await keysIn(subjectKeyPrefix('flights', 'c1'))).toHaveLength(1);

  const forgotten = subjectKeyPrefix('flights', 'c1');
  const withoutKey: ObjectStore = {
    ...store,
    read: (key, options) => store.read(key.startsWith(forgotten) ? 'gone' : key, options),
  };
  const [first, second] = await rowsOf(withoutKey);
  expect(first?.record).toMatch(/^\{"customer":"c1","age":\{"enc":"[A-Za-z0-9+/=]+"\}\}$/);
  expect(first?.features).not.toContain('42');
  expect(second?.record).toBe('{"customer":"c2","age":42}');
});

test('a value that was moved to another row or column does not open', async () => {
  await logged((writer) => writer.append(policy, [row('a', 'c1')]));
  const [sealed] = await rowsOf({
    ...store,
    read: (name, options) => store.read(name.startsWith('subject') ? 'gone' : name, options),
  });
  const keyring = createSubjectKeyring(store, 'flights');
  if (sealed === undefined) throw new Error('One row was logged.');
  expect((await keyring.open(sealed)).record).toContain('42');
  expect((await keyring.open({ ...sealed, requestId: 'b' })).record).toBe(sealed.record);
  const moved = sealed.record.replace('"age"', '"text"');
  expect((await keyring.open({ ...sealed, record: moved })).record).toBe(moved);
});

test('where the subject is the group it is logged as its hash', async () => {
  const bySubject = keeping({ encrypt: { columns: ['age'], group: null } });
  await logged((writer) => writer.append(bySubject, [loggedRow('a', { subject: 'person-7' })]));
  const [found] = await rowsOf(store);
  // printf person-7 | sha256sum
  expect(found?.subject).toBe('64cc609c125227246e6a82092f44bf0b29006846b142c71fc4f3d17ed9e8e697');
  expect(found?.keyId?.split('/')[0]).toBe(found?.subject);
  expect(JSON.stringify(found)).not.toContain('person-7');
});

test('keys are in the bucket before the rows that need them, and then no longer on the disk', async () => {
  const order: string[] = [];
  const noting: ObjectStore = {
    ...store,
    write: (key, body, options) => {
      order.push(key.split('/')[0] ?? '');
      return store.write(key, body, options);
    },
  };
  await logged((writer) => writer.append(policy, [row('a', 'c1'), row('b', 'c2')]), noting);
  expect(order).toEqual(['subject-keys', 'subject-keys', 'inference']);
  expect(await readdir(join(folder, 'one'))).toEqual(['lock.duckdb']);
});

test('rows whose keys cannot be brought stay on the disk', async () => {
  const refusing: ObjectStore = {
    ...store,
    write: (key, body, options) =>
      key.startsWith('subject-keys/') ? Promise.reject(new Error('no')) : store.write(key, body, options),
  };
  const collector = await openLogCollector(collectorOptions(folder, { store: refusing, report: () => undefined }));
  const writer = openLogWriter({ folder, replica: 'one', writer: 'a1', flushEveryMs: 60_000 });
  await writer.append(policy, [row('a', 'c1')]);
  writer.close();
  await collector.close({ atMostMs: 500 });
  expect(await rowsOf(store)).toEqual([]);
  await logged(() => Promise.resolve());
  expect((await rowsOf(store))[0]?.record).toContain('42');
});

describe('a group that was forgotten', () => {
  const bring = async () => createKeyCourier(store, folder).bring((await lookAtReplica(folder)).keys);
  const forget = (at: string) =>
    writeDocumentOnce(store, tombstoneKey('flights', 'c1'), { group: sha256Hex('c1'), at, who: 'test', why: 'asked' });

  test('gets a new key, and the old one never comes to the bucket', async () => {
    let now = Date.parse('2026-03-01T10:00:00Z');
    const keys = openSubjectKeys({ folder: join(folder, 'a1'), replicaFolder: folder, startId: 'x', now: () => now });
    const old = keys.keyOf('flights', 'c1');
    const other = keys.keyOf('flights', 'c2');
    keys.handOver();
    await forget('2026-03-01T10:00:01Z');
    await bring();
    expect(await keysIn(subjectKeyPrefix('flights', 'c1'))).toEqual([]);
    expect(await keysIn(subjectKeyPrefix('flights', 'c2'))).toHaveLength(1);

    now += 2_000;
    const renewed = keys.keyOf('flights', 'c1');
    expect(renewed.keyId).not.toBe(old.keyId);
    expect(keys.keyOf('flights', 'c2')).toBe(other);
    keys.handOver();
    await bring();
    expect(await keysIn(subjectKeyPrefix('flights', 'c1'))).toEqual([`subject-keys/flights/${renewed.keyId}.json`]);
    expect(await readdir(join(folder, 'a1', keyFolder))).toEqual([]);
  });

  test('a key serves one day', () => {
    let now = Date.parse('2026-03-01T23:59:59Z');
    const keys = openSubjectKeys({ folder: join(folder, 'a1'), replicaFolder: folder, startId: 'x', now: () => now });
    const first = keys.keyOf('flights', 'c1');
    expect(keys.keyOf('flights', 'c1')).toBe(first);
    expect(keys.keyOf('other', 'c1').keyId).not.toBe(first.keyId);
    now += 1_000;
    expect(keys.keyOf('flights', 'c1').keyId).not.toBe(first.keyId);
  });
});
