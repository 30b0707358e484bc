import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { ModelServerProcess } from '../../../serving/start-process.ts';
import { putTinyPackage } from '../../support/tiny-model.ts';
import { flight, post, type Serving, setRoute, until, withServing } from '../harness.ts';
import { pidsOf } from './processes.ts';

/** Packages are measured first, and processes start slowly on a machine that is busy with other tests. */
const patient = { atMostMs: 40_000 };

let serving: Serving;
let server: ModelServerProcess;

beforeAll(async () => {
  serving = await withServing();
  const fast = await putTinyPackage(serving.store, { model: 'fast', modelVersion: '1' }, { bias: 0 });
  // Some 3 ms a row: it is answered by a host.
  const slow = await putTinyPackage(serving.store, { model: 'slow', modelVersion: '1' }, { bias: 0, matrix: 4_000 });
  await setRoute(serving.store, 'fast', { champion: fast });
  await setRoute(serving.store, 'slow', { champion: slow });
  server = await serving.start({ processes: 2 });
}, 60_000);

afterAll(() => serving.close(), 60_000);

const hosts = () => pidsOf(serving.homeFolder, 'hosting/main.js');

async function answers(): Promise<boolean> {
  const asked = ['fast', 'slow'].map((endpoint) =>
    post(server.url, `/endpoints/${endpoint}/predict`, { record: flight }).catch(() => null),
  );
  return (await Promise.all(asked)).every((answer) => answer?.status === 200);
}

test('packages that vanish from the disk of a running server come back when a process needs them', async () => {
  await until('both endpoints answer', answers, patient);
  const before = [...server.answering(), ...hosts()];
  expect(before).toHaveLength(3);
  await rm(join(serving.homeFolder, 'packages'), { recursive: true });
  // What is loaded goes on without its file.
  expect(await answers()).toBe(true);

  for (const pid of before) process.kill(pid, 'SIGKILL');
  const others = () => [...server.answering(), ...hosts()].filter((pid) => !before.includes(pid));
  await until('three others', () => others().length === 3, patient);
  await until('both endpoints answer again', answers, patient);
}, 120_000);
