import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { sweepLeftovers, sweepScratch } from '../../stores/cache-leftovers.ts';
import { writeWholeFile } from '../../stores/local-files.ts';

const day = 86_400_000;
const now = Date.parse('2026-01-10T00:00:00Z');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-leftovers-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function touch(path: string, at: number): Promise<void> {
  await utimes(path, new Date(at), new Date(at));
}

test('files that a killed process never finished go, whole ones and young ones stay', async () => {
  const objects = join(folder, 'objects');
  let partial = '';
  await writeWholeFile(join(objects, 'a'.repeat(64)), [Buffer.from('whole')], () => undefined);
  // The name that the writer itself gives a file before it is whole.
  const failing = writeWholeFile(
    join(objects, 'b'),
    watching(objects, (name) => (partial = name)),
  );
  await expect(failing).rejects.toThrow('killed');
  expect(partial).toMatch(/^b\./);
  for (const [name, at] of [
    [partial, now - 3 * day],
    [`c.parquet.${crypto.randomUUID()}`, now - 3 * day],
    [`young${partial}`, now - day],
  ] as const) {
    await writeFile(join(objects, name), 'half');
    await touch(join(objects, name), at);
  }
  await touch(join(objects, 'a'.repeat(64)), now - 300 * day);
  expect(await sweepLeftovers(folder, { untouchedMs: 2 * day, now })).toBe(2);
  expect((await readdir(objects)).toSorted()).toEqual(['a'.repeat(64), `young${partial}`]);
});

test('scratch folders of the dead go with all that is in them', async () => {
  for (const [name, at] of [
    ['data-old', now - 3 * day],
    ['data-new', now],
  ] as const) {
    await mkdir(join(folder, 'work', name, 'spill'), { recursive: true });
    await writeFile(join(folder, 'work', name, 'spill', 'x'), '');
    await touch(join(folder, 'work', name), at);
  }
  expect(await sweepLeftovers(folder, { untouchedMs: 2 * day, now })).toBe(1);
  expect(await readdir(join(folder, 'work'))).toEqual(['data-new']);
});

test('what killed trainings left goes too, and what is at work stays', async () => {
  const begun = (name: string) => mkdtemp(join(folder, `${name}-`));
  const [dead, alive] = [await begun('run-3-train'), await begun('run-4-search-trial-0-rung-0')];
  await mkdir(join(dead, '1', 'checkpoints'), { recursive: true });
  await touch(dead, now - 3 * day);
  await touch(alive, now - day);
  expect(await sweepScratch(folder, { untouchedMs: 2 * day, now })).toBe(1);
  expect(await readdir(folder)).toEqual([basename(alive)]);
  expect(await sweepScratch(join(folder, 'none'), { untouchedMs: day, now })).toBe(0);
});

test('a cache that is not there has no leftovers', async () => {
  expect(await sweepLeftovers(join(folder, 'none'), { untouchedMs: day, now })).toBe(0);
});

async function* watching(where: string, onName: (name: string) => void): AsyncIterable<Uint8Array> {
  yield Buffer.from('half');
  onName((await readdir(where)).find((name) => name.startsWith('b.')) ?? '');
  throw new Error('killed');
}
