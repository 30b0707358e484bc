import { setTimeout as pause } from 'node:timers/promises';
import type { Device } from '../../domain/device.ts';
import { placeTraining } from '../../activities/training/place-training.ts';
import { readGpuWorkers } from '../../stores/gpu-workers.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { registerGpuWorker } from '../../workers/gpu-registration.ts';
import { type TestS3, withTestS3 } from '../support/test-s3.ts';

const now = () => new Date().toISOString();
const everSince = { since: '2000-01-01T00:00:00.000Z' };
const a100: Device = { uuid: 'GPU-1', index: 0, name: 'A100', memoryMiB: 40_960, freeMiB: 40_337, driver: '550' };
const wants = { device: { memoryMiB: 8_000, orCpu: false } };

let server: TestS3;
let store: ReturnType<typeof createS3ObjectStore>;
beforeAll(async () => {
  server = await withTestS3();
  await ensureBucket(server.s3);
  store = createS3ObjectStore(server.s3);
});
afterAll(async () => {
  store.close();
  await server.stop();
});

test('a worker is placed on while it beats, tells what its devices have free, and is gone when it ends', async () => {
  let freeMiB = a100.freeMiB;
  const devices = () => Promise.resolve([{ ...a100, freeMiB }]);
  const registration = await registerGpuWorker(store, { worker: 'a-1', devices, now, onProblem: fail, beatMs: 50 });
  expect(await placeTraining({ store, now }, wants)).toEqual({
    to: 'gpu',
    why: 'A100 of a-1 has 40,337 MiB free, 8,000 MiB are asked for.',
  });

  freeMiB = 512;
  await until(async () => (await seen(store))?.devices[0]?.freeMiB === 512);
  await registration.stop();
  expect(await placeTraining({ store, now }, wants)).toEqual({ to: 'wait', why: 'No worker polls the queue gpu.' });
});

test('a bucket that does not answer for a while is told and beaten again', async () => {
  let broken = true;
  const problems: string[] = [];
  const flaky: ObjectStore = {
    ...store,
    write: (key, body, options) =>
      broken && problems.length < 2 && key.endsWith('flaky.json') && started
        ? Promise.reject(new Error('no answer'))
        : store.write(key, body, options),
  };
  let started = false;
  const onProblem = (text: string) => void problems.push(text);
  const options = { worker: 'flaky', devices: () => Promise.resolve([]), now, onProblem, beatMs: 20 };
  const registration = await registerGpuWorker(flaky, options);
  const first = (await readGpuWorkers(store, everSince)).find(({ worker }) => worker === 'flaky')?.seenAt ?? '';
  started = true;
  await until(async () => problems.length === 2);
  broken = false;
  await until(async () => ((await seen(store, 'flaky'))?.seenAt ?? '') > first);
  await registration.stop();
  expect(problems[0]).toContain('The worker flaky could not say that it lives');
});

async function seen(from: ObjectStore, name = 'a-1') {
  return (await readGpuWorkers(from, everSince)).find(({ worker }) => worker === name);
}

function fail(text: string): void {
  throw new Error(text);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; await pause(20)) if (await holds()) return;
  throw new Error('It did not happen in time.');
}
