import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { SnapshotFile, SnapshotManifest } from '../../domain/snapshot.ts';
import { readConfig } from '../../project/config.ts';
import { startS3 } from '../../services/start.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { mapParallel } from '../../stores/parallel.ts';
import { diffSnapshots } from '../../stores/snapshots/diff.ts';
import { moveBranch, resolveSnapshot } from '../../stores/snapshots/history.ts';
import { sealChanges } from '../../stores/snapshots/incremental.ts';
import { inKeyOrder } from '../../stores/snapshots/key-order.ts';
import { readManifest, sealSnapshot } from '../../stores/snapshots/manifest.ts';
import { partKey } from '../../stores/snapshots/manifest-parts.ts';
import { verifySnapshot } from '../../stores/snapshots/verify.ts';
import { collectGarbage, megabytes, measured, type Measured } from './measured.ts';
import { type Counts, counting, countsText } from './counting-store.ts';

const rounds = 5;
const facts = {
  dataset: 'bench',
  columns: [{ name: 'delay', type: 'integer' as const }],
  deviations: [],
  dialect: null,
};
const sealed = {
  branch: 'latest',
  event: 'created' as const,
  at: '2026-01-01T00:00:00.000Z',
  who: 'bench',
  why: 'bench',
  reasons: [],
};

/** Sealing a snapshot of very many files with one changed against its parent, in memory and on the real S3 server; prints the figures. */
export async function benchSealing(): Promise<void> {
  await inMemory(1_000_000);
  await onS3(20_000);
}

async function inMemory(count: number): Promise<void> {
  console.log(`\n${count} entries, in-memory object store`);
  const { store, counts } = counting(createMemoryObjectStore());
  const parent = await sealAll(store, count);
  collectGarbage();
  const found: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    counts.clear();
    const changed = fileOf(Math.floor(((round + 0.5) / rounds) * count), `round ${round}`);
    found.push(await measured(() => sealChanges(store, parent, facts, { put: [changed], remove: [] })));
  }
  print('one entry changed, sealed against its parent', found, counts);
  await resolved(store, counts, parent);
  const floor = await floorOf(store, parent);
  print('floor: the same part and root read, parsed, written as JSON, hashed, stored by hand', floor, null);
}

/** Seals a snapshot from nothing; what it is made of goes out of memory again. */
async function sealAll(store: ObjectStore, count: number): Promise<SnapshotManifest> {
  const files = Array.from({ length: count }, (_, index) => fileOf(index, 'first'));
  const snapshot = { ...facts, files, rows: count * 100 };
  const all = await measured(() => sealSnapshot(store, snapshot));
  print('all entries, sealed from nothing', [all], null);
  const whole = await measured(async () => createHash('sha256').update(JSON.stringify(files)).digest('hex'));
  print('floor of that: JSON.stringify and SHA-256 of one document', [whole], null);
  return readManifest(store, all.value);
}

async function floorOf(store: ObjectStore, parent: SnapshotManifest): Promise<readonly Measured[]> {
  const found: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    const part = parent.parts[Math.floor(((round + 0.5) / rounds) * parent.parts.length)];
    const key = partKey(parent.dataset, part?.sha256 ?? '');
    const work = async () => {
      for (const value of [JSON.parse(new TextDecoder().decode((await store.read(key)).bytes)) as unknown, parent]) {
        const bytes = new TextEncoder().encode(JSON.stringify(value));
        await store.write(`floor/${createHash('sha256').update(bytes).digest('hex')}-${round}`, bytes, {
          ifAbsent: true,
        });
      }
    };
    found.push(await measured(work));
  }
  return found;
}

async function onS3(count: number): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'perdura-bench-sealing-'));
  const config = readConfig({ ...process.env, PERDURA_HOME: home }, home);
  const server = await startS3(config, { onProgress: (line) => console.error(line) });
  const s3 = { ...server.address, bucket: 'bench' };
  const plain = createS3ObjectStore(s3);
  try {
    await ensureBucket(s3);
    console.log(`\n${count} objects, versitygw of this machine`);
    const { store, counts } = counting(plain);
    const indexes = Array.from({ length: count }, (_, index) => index);
    const written = await measured(() =>
      mapParallel(indexes, 16, (index) => store.write(keyOf(index), bytesOf(index, 'first'))),
    );
    print('putting the objects there (for comparison)', [written], null);
    await sealOnS3(store, counts, count);
  } finally {
    plain.close();
    await server.stop();
    await rm(home, { recursive: true, force: true });
  }
}

async function sealOnS3(store: ObjectStore, counts: Counts, count: number): Promise<void> {
  counts.clear();
  const listed = await measured(() => pinned(store, 'first'));
  print('one listing with version ids', [listed], counts);
  counts.clear();
  const rows = listed.value.length * 100;
  const all = await measured(() => sealSnapshot(store, { ...facts, files: inKeyOrder(listed.value), rows }));
  print('all, sealed from nothing', [all], counts);
  const parent = await readManifest(store, all.value);
  const found: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    const index = Math.floor(((round + 0.5) / rounds) * count);
    const bytes = bytesOf(index, `round ${round}`);
    const { s3VersionId } = await store.write(keyOf(index), bytes);
    counts.clear();
    const changed = { ...fileOf(index, `round ${round}`), s3VersionId };
    found.push(await measured(() => sealChanges(store, parent, facts, { put: [changed], remove: [] })));
  }
  print('one object changed, sealed against its parent', found, counts);
  print('floor: the same part and root by hand', await floorOf(store, parent), null);
  const child = await sealChanges(store, parent, facts, { put: [], remove: [keyOf(1)] });
  counts.clear();
  const diff = await measured(() => diffSnapshots(store, 'bench', all.value.digest, child.digest));
  print('diff of two that differ by one', [diff], counts);
  await resolved(store, counts, parent);
  counts.clear();
  const risks = async () => ({ bucket: 'bench', versioning: 'enabled' as const, expiring: [], notChecked: [] });
  const whole = await measured(() => verifySnapshot(store, all.value, { bytes: 'read', risks }));
  print(`verify with all bytes: ${whole.value.findings.length} findings`, [whole], counts);
}

async function resolved(store: ObjectStore, counts: Counts, manifest: SnapshotManifest): Promise<void> {
  const { digest } = await sealSnapshot(store, { ...facts, files: [fileOf(0, 'other')], rows: 100 });
  await moveBranch(store, { ...sealed, dataset: 'bench', to: digest, entryId: 'other', dataVersion: '1.0.0' });
  const root = await sealChanges(store, manifest, facts, { put: [], remove: [keyOf(0)] });
  await moveBranch(store, { ...sealed, dataset: 'bench', to: root.digest, entryId: 'bench', dataVersion: '1.1.0' });
  counts.clear();
  const found = [await measured(() => resolveSnapshot(store, 'bench@latest'))];
  print('resolving bench@latest', found, counts);
}

async function pinned(store: ObjectStore, words: string): Promise<readonly SnapshotFile[]> {
  const files: SnapshotFile[] = [];
  for await (const { key, s3VersionId } of store.list('data/bench/', { pins: 'with-versions' }))
    files.push({ ...fileOf(Number(/(\d+)\.csv$/.exec(key)?.[1]), words), s3VersionId });
  return files;
}

function fileOf(index: number, words: string): SnapshotFile {
  const bytes = bytesOf(index, words);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const s3VersionId = `01M7Z1VV9Z1SZFVH93C7${String(index).padStart(7, '0')}`;
  return { key: keyOf(index), s3VersionId, sizeBytes: bytes.byteLength, sha256, rows: 100, format: 'csv' };
}

function keyOf(index: number): string {
  const day = String(Math.floor(index / 10_000)).padStart(4, '0');
  return `data/bench/day=${day}/${String(index).padStart(7, '0')}.csv`;
}

function bytesOf(index: number, words: string): Uint8Array {
  return new TextEncoder().encode(`delay\n${index}\n${words}\n`);
}

function print(what: string, found: readonly Measured[], counts: Counts | null): void {
  const seconds = found.map((each) => each.seconds).toSorted((a, b) => a - b);
  const median = seconds[Math.floor(seconds.length / 2)] ?? 0;
  const grown = found.map((each) => each.grownBytes);
  const range =
    seconds.length === 1
      ? ''
      : ` (${seconds[0]?.toFixed(4)} to ${seconds.at(-1)?.toFixed(4)}, ${seconds.length} rounds)`;
  const memory = `peak memory ${megabytes(Math.max(...found.map((each) => each.peakBytes)))}, of it grown ${megabytes(Math.max(...grown))}`;
  const requests = counts === null ? '' : `; requests of the last round: ${countsText(counts)}`;
  console.log(`  ${what}: ${median.toFixed(4)} s${range}; ${memory}${requests}`);
}
