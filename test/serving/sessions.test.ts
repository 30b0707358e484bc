import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { activateRoute } from '../../serving/active-route.ts';
import { createSessions } from '../../serving/models/sessions.ts';
import { tinyPackageFiles, tinySignature } from '../support/tiny-model.ts';

const reference = (model: string) => ({ model, modelVersion: '1', packageDigest: 'a'.repeat(64) });
const routeOf = (...models: readonly string[]) => ({
  etag: 'e',
  route: {
    endpoint: 'flights',
    epoch: 1,
    changeId: 'c',
    at: '2026-01-01T00:00:00Z',
    who: 'test',
    why: 'test',
    arms: [{ name: 'champion' as const, weight: 100, version: reference(models[0] ?? '') }],
    shadows: models.slice(1).map(reference),
  },
});

const tinySessions = () =>
  createSessions(async ({ model }) => {
    if (model === 'missing') throw new Error('no such package');
    return dirname((await tinyPackageFiles({ bias: 0 }))['model.onnx']);
  });

test('two routes share the session of one package, and the last to go frees it', async () => {
  const sessions = tinySessions();
  const first = await activateRoute(sessions, routeOf('a', 'b'));
  const second = await activateRoute(sessions, routeOf('b', 'c'));
  expect(sessions.size()).toBe(3);
  expect(first.shadows[0]).toBe(second.arms[0].model);
  first.retire();
  expect(sessions.size()).toBe(2);
  second.retire();
  expect(sessions.size()).toBe(0);
});

test('a retired route keeps its models until the last request lets go', async () => {
  const sessions = tinySessions();
  const route = await activateRoute(sessions, routeOf('a'));
  route.hold();
  route.retire();
  route.retire();
  const rows = { rows: 1, numbers: new Float32Array(2), categories: [''] };
  expect([...(await route.arms[0].model.run(rows))]).toEqual([0.5]);
  route.letGo();
  expect(sessions.size()).toBe(0);
});

test('a route of which one package does not load keeps none of its models', async () => {
  const sessions = tinySessions();
  await expect(activateRoute(sessions, routeOf('a', 'missing'))).rejects.toThrow('no such package');
  expect(sessions.size()).toBe(0);
});

test('a package whose model does not take what its signature says is MODEL_INVALID', async () => {
  const files = await tinyPackageFiles({ bias: 0 });
  const signature = { numbers: ['distance'], categories: ['origin'] };

  await writeFile(files['signature.json'], JSON.stringify({ ...tinySignature, ...signature }));
  const sessions = createSessions(async () => dirname(files['model.onnx']));
  await expect(sessions.acquire(reference('a'))).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  await writeFile(files['model.onnx'], 'no model');
  await expect(sessions.acquire(reference('a'))).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  expect(sessions.size()).toBe(0);
});
