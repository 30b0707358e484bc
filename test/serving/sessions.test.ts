import { rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { PreparedModel } from '../../serving/models/model-plan.ts';
import { createSessions } from '../../serving/models/sessions.ts';
import { tinyPackageFiles, tinySignature } from '../support/tiny-model.ts';
import { unmeasuredPlan } from '../support/unmeasured-plan.ts';

const rows = { rows: 1, numbers: new Float32Array(2), categories: [''] };
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function prepared(model: string): Promise<PreparedModel> {
  const folder = dirname((await tinyPackageFiles({ bias: 0 }))['model.onnx']);
  folders.push(folder);
  const reference = { model, modelVersion: '1', packageDigest: 'a'.repeat(64) };
  return { reference, folder, plan: unmeasuredPlan, socket: null };
}

test('two users share the session of one package, and the last to go frees it', async () => {
  const sessions = createSessions();
  const a = await prepared('a');
  const [first, second] = await Promise.all([sessions.acquire(a), sessions.acquire(a)]);
  expect(second).toBe(first);
  await sessions.release(a);
  expect(sessions.size()).toBe(1);
  expect([...(await first.run(rows)).outputs]).toEqual([0.5]);
  await sessions.release(a);
  expect(sessions.size()).toBe(0);
  await expect(sessions.release(a)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('every load counts, also of a package that was freed in between', async () => {
  const sessions = createSessions();
  const [a, b] = [await prepared('a'), await prepared('b')];
  for (const one of [a, b, a]) {
    await sessions.acquire(one);
    await sessions.release(one);
  }
  expect(sessions.loads()).toBe(3);
});

test('each run is told, by the name of its package', async () => {
  const runs: object[] = [];
  const sessions = createSessions((run) => void runs.push(run));
  const a = await prepared('a');
  await (await sessions.acquire(a)).run(rows);
  expect(runs).toEqual([{ model: 'a/1', rows: 1, waiting: 0, seconds: expect.any(Number) as number }]);
  await sessions.release(a);
});

test('a package that does not load is not kept, and loads once it is mended', async () => {
  const sessions = createSessions();
  const a = await prepared('a');
  const signature = JSON.stringify(tinySignature);
  const otherInputs = { numbers: ['distance'], categories: ['origin'] };
  await writeFile(`${a.folder}/signature.json`, JSON.stringify({ ...tinySignature, ...otherInputs }));
  await expect(sessions.acquire(a)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  expect(sessions.size()).toBe(0);
  await writeFile(`${a.folder}/signature.json`, signature);
  await sessions.acquire(a);
  await sessions.release(a);
  await writeFile(`${a.folder}/model.onnx`, 'no model');
  await expect(sessions.acquire(a)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  expect(sessions.size()).toBe(0);
});
