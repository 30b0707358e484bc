import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tryLock, withLock } from '../../services/lock.ts';
import { identify, isAlive } from '../../services/process-identity.ts';
import { removeFolders, temporaryFolder } from '../support/embedded.ts';

afterAll(removeFolders);

test('a lock that is held names its holder', () => {
  const file = path.join(temporaryFolder(), 'a.lock');
  const taken = tryLock(file);
  expect(tryLock(file)).toEqual({ holder: identify(process.pid) });
  if ('lock' in taken) taken.lock.release();
  expect(existsSync(file)).toBe(false);
});

test('the lock of a process that died is taken over', () => {
  const folder = temporaryFolder();
  const file = path.join(folder, 'a.lock');
  const dead = spawnSync('true').pid;
  writeFileSync(file, JSON.stringify({ pid: dead, started: '1' }));
  expect('lock' in tryLock(file)).toBe(true);
  expect(readdirSync(folder)).toEqual(['a.lock']);
});

test('a later process with the same pid is not the one that died', () => {
  const own = identify(process.pid);
  expect(own !== null && isAlive(own)).toBe(true);
  expect(isAlive({ pid: process.pid, started: 'another time' })).toBe(false);
});

test('a damaged lock stops nobody', () => {
  const file = path.join(temporaryFolder(), 'a.lock');
  writeFileSync(file, '{"pid":');
  expect('lock' in tryLock(file)).toBe(true);
});

test('work under one lock never overlaps', async () => {
  const file = path.join(temporaryFolder(), 'a.lock');
  let inside = 0;
  let most = 0;
  const waited: number[] = [];
  await Promise.all(
    [1, 2, 3].map((turn) =>
      withLock(
        file,
        async () => {
          inside += 1;
          most = Math.max(most, inside);
          await new Promise(setImmediate);
          inside -= 1;
        },
        { onWait: () => waited.push(turn) },
      ),
    ),
  );
  expect(most).toBe(1);
  expect(waited).toEqual([2, 3]);
});
