import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { openLmdbOnlineStore } from '../../../stores/online/lmdb-online-store.ts';

const built = new URL('../../../dist/stores/online/lmdb-online-store.js', import.meta.url).href;
const always = { view: 'delay', from: 0, before: 1e15 };

let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'perdura-online-')), 'store');
});

afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

/** A process that writes `calls` times 100 events under its own key and says so after each call; `name` is its key. */
function startWriter(name: string, calls: number): ChildProcess {
  const code = `
    import { writeSync } from 'node:fs';
    const { openLmdbOnlineStore } = await import(${JSON.stringify(built)});
    const store = await openLmdbOnlineStore(${JSON.stringify(folder)});
    for (let call = 0; call < ${calls}; call += 1) {
      const events = Array.from({ length: 100 }, (_, index) => ({ view: 'delay', key: ${JSON.stringify(name)}, time: call, id: String(index), value: call }));
      await store.write(events);
      writeSync(1, call + '\\n');
    }
    await store.close();`;
  return spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function countOf(keys: readonly string[]): Promise<readonly number[]> {
  const store = await openLmdbOnlineStore(folder);
  const found = await store.read(keys.map((key) => ({ ...always, key })));
  await store.close();
  return found.map((values) => values.length);
}

test('kill -9 of a writer loses nothing that write() had returned for, again and again', async () => {
  for (const [round, killAfter] of [3, 40, 111].entries()) {
    const name = `round ${round}`;
    const writer = startWriter(name, 100_000);
    const gone = once(writer, 'exit');
    let returned = 0;
    if (writer.stdout === null) throw new Error('the writer has no stdout');
    for await (const line of createInterface(writer.stdout)) {
      returned = Number(line) + 1;
      if (returned >= killAfter) writer.kill('SIGKILL');
    }
    await gone;
    const [events = 0] = await countOf([name]);
    expect(returned).toBeGreaterThanOrEqual(killAfter);
    expect(events).toBeGreaterThanOrEqual(returned * 100);
    // A call is whole or not there at all.
    expect(events % 100).toBe(0);
  }
});

test('several processes write one folder at once and all of it is there', async () => {
  const names = ['one', 'two', 'three'];
  const exits = names.map(async (name) => {
    const writer = startWriter(name, 60);
    writer.stdout?.resume();
    return once(writer, 'exit');
  });
  expect((await Promise.all(exits)).map(([code]) => code as unknown)).toEqual([0, 0, 0]);
  expect(await countOf(names)).toEqual([6_000, 6_000, 6_000]);
});

test.each([
  { what: 'text', bytes: Buffer.from('hello') },
  { what: 'zeros', bytes: Buffer.alloc(65_536) },
])('a data.mdb of $what is named, where LMDB itself would end the process', async ({ bytes }) => {
  await mkdir(folder);
  await writeFile(join(folder, 'data.mdb'), bytes);
  await expect(openLmdbOnlineStore(folder)).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    message: expect.stringMatching(/data\.mdb is not a file of LMDB.*perdura features materialize/),
  });
});

test('a data.mdb that was cut off is named, and the whole one opens', async () => {
  const store = await openLmdbOnlineStore(folder);
  await store.write(
    Array.from({ length: 5_000 }, (_, time) => ({ view: 'delay', key: 'SFO', time, id: '1', value: 1 })),
  );
  await store.close();
  const file = join(folder, 'data.mdb');
  const whole = await readFile(file);
  await truncate(file, Math.floor(whole.length / 2));
  await expect(openLmdbOnlineStore(folder)).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    message: expect.stringContaining('data.mdb is cut off'),
  });
  await writeFile(file, whole);
  expect(await countOf(['SFO'])).toEqual([5_000]);
});

test('a folder that cannot be made is named', async () => {
  await writeFile(folder, 'a file');
  await expect(openLmdbOnlineStore(join(folder, 'below'))).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
});
