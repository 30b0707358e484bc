import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Device } from '../../domain/device.ts';
import { deviceHolder } from '../../workers/gpu-devices.ts';
import { removeFolders, temporaryFolder } from '../support/embedded.ts';

afterAll(removeFolders);

const device = (uuid: string, freeMiB: number): Device => ({
  uuid,
  index: 0,
  name: 'A',
  memoryMiB: 40_960,
  freeMiB,
  driver: '550',
});
const unheard = { signal: new AbortController().signal, onWait: (): void => undefined };

/** A machine with these devices, whose clock stands until it is set. */
function machine(devices: readonly Device[]) {
  const time = { ms: 0 };
  const locksFolder = temporaryFolder();
  return {
    time,
    locksFolder,
    hold: deviceHolder({ locksFolder, devices: () => Promise.resolve(devices), clock: () => time.ms }),
  };
}

test('the smallest device that suffices is held, and its time counts until it is released', async () => {
  const { hold, time } = machine([device('GPU-large', 40_000), device('GPU-small', 9_000), device('GPU-tiny', 100)]);
  const held = await hold({ memoryMiB: 8_000, orCpu: false }, unheard);
  expect(held.device?.uuid).toBe('GPU-small');
  time.ms = 2_500;
  held.release();
  time.ms = 9_000;
  held.release();
  expect(held.heldSeconds()).toBe(2.5);
});

test('two attempts get two devices, the third waits and says so, and gets the one that is released', async () => {
  const { hold } = machine([device('GPU-1', 9_000), device('GPU-2', 9_000)]);
  const wants = { memoryMiB: 8_000, orCpu: false };
  const first = await hold(wants, unheard);
  const second = await hold(wants, unheard);
  expect(new Set([first.device?.uuid, second.device?.uuid])).toEqual(new Set(['GPU-1', 'GPU-2']));
  const said: string[] = [];
  const third = hold(wants, {
    ...unheard,
    onWait(text) {
      said.push(text);
      first.release();
    },
  });
  expect((await third).device?.uuid).toBe(first.device?.uuid);
  expect(said).toEqual(['All devices of this machine with 8000 MiB are in use.']);
});

test('where the CPU is allowed nothing is waited for and no device time counts', async () => {
  const held = await machine([]).hold({ memoryMiB: 8_000, orCpu: true }, unheard);
  expect([held.device, held.heldSeconds()]).toEqual([null, 0]);
});

test('a machine whose devices are all too small gives the training back to be tried elsewhere', async () => {
  await expect(
    machine([device('GPU-1', 9_000)]).hold({ memoryMiB: 80_000, orCpu: false }, unheard),
  ).rejects.toMatchObject({
    code: 'TRAINING_INTERRUPTED',
    message: expect.stringContaining('The largest device of this machine has 40960 MiB, 80000 MiB are asked for.'),
  });
});

test('the device of a process that died is free', async () => {
  const { hold, locksFolder } = machine([device('GPU-1', 9_000)]);
  mkdirSync(locksFolder, { recursive: true });
  writeFileSync(join(locksFolder, 'GPU-1.lock'), JSON.stringify({ pid: spawnSync('true').pid, started: '1' }));
  expect((await hold({ memoryMiB: 8_000, orCpu: false }, unheard)).device?.uuid).toBe('GPU-1');
});

test('a cancelled attempt waits no longer', async () => {
  const { hold } = machine([device('GPU-1', 9_000)]);
  const wants = { memoryMiB: 8_000, orCpu: false };
  await hold(wants, unheard);
  const cancel = new AbortController();
  const waiting = hold(wants, { signal: cancel.signal, onWait: () => cancel.abort() });
  await expect(waiting).rejects.toThrow(/abort/i);
});
