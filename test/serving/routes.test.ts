import { packageFolder } from '../../domain/model-package.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { ModelServerProcess } from '../../serving/start-process.ts';
import { putTinyPackage } from '../support/tiny-model.ts';
import {
  flight,
  get,
  post,
  rowsInBucket,
  segmentsLeft,
  type Serving,
  setRoute,
  until,
  untilEpoch,
  withServing,
} from './harness.ts';
import { startTraffic } from './traffic.ts';

/** Processes start slowly on a machine that is busy with other tests. */
const atMostMs = 60_000;

let serving: Serving;
let server: ModelServerProcess;
let versions: readonly [ModelReference, ModelReference];

beforeAll(async () => {
  serving = await withServing();
  const put = (modelVersion: string, bias: number) =>
    putTinyPackage(serving.store, { model: 'flights', modelVersion }, { bias });
  versions = [await put('1', -1), await put('2', 1)];
  server = await serving.start();
}, atMostMs);

afterAll(() => serving.close(), atMostMs);

const predict = (endpoint: string, body: object) => post(server.url, `/endpoints/${endpoint}/predict`, body);

test(
  'a route changes under constant load without one failed request',
  async () => {
    const [champion, challenger] = versions;
    await setRoute(serving.store, 'ramp', { champion });
    const traffic = startTraffic(server.url, 'ramp', { name: 'ramp' });
    await until('answers', () => traffic.answers.size > 20);
    for (const weight of [50, 100]) {
      const { epoch } = await setRoute(serving.store, 'ramp', {
        champion,
        challenger: { version: challenger, weight },
      });
      await untilEpoch(server.url, 'ramp', epoch);
    }
    const promoted = await setRoute(serving.store, 'ramp', { champion: challenger });
    await untilEpoch(server.url, 'ramp', promoted.epoch);
    const seen = traffic.answers.size;
    await until('more answers', () => traffic.answers.size > seen + 20);
    await traffic.stop();
    const answers = [...traffic.answers.values()];
    expect(answers.length).toBeGreaterThan(100);
    expect(answers.filter((answer) => answer?.status !== 200)).toEqual([]);
    expect(new Set(answers.map((answer) => answer?.body['epoch']))).toEqual(new Set([1, 2, 3, 4]));
    const lastOf = (epoch: number) => answers.findLast((answer) => answer?.body['epoch'] === epoch)?.body;
    expect([lastOf(1), lastOf(3), lastOf(4)]).toMatchObject([
      { arm: 'champion', modelVersion: '1' },
      { arm: 'challenger', modelVersion: '2' },
      { arm: 'champion', modelVersion: '2' },
    ]);
  },
  atMostMs,
);

test(
  'a package with one altered byte is refused, and the previous route serves on',
  async () => {
    const [champion] = versions;
    await setRoute(serving.store, 'guarded', { champion });
    expect((await predict('guarded', { record: flight })).status).toBe(200);
    const altered = await putTinyPackage(serving.store, { model: 'flights', modelVersion: '3' }, { bias: 3 });
    const key = `${packageFolder(altered)}model.onnx`;
    const { bytes } = await serving.store.read(key);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    await serving.store.write(key, bytes);
    await setRoute(serving.store, 'guarded', { champion: altered });
    const status = async () => (await get(server.url, '/endpoints/guarded')).body;
    await until('the problem shows', async () => (await status())['problem'] !== null);
    expect(await status()).toMatchObject({
      epoch: 1,
      problem: { code: 'PACKAGE_ALTERED', message: expect.stringContaining(key) },
    });
    expect((await predict('guarded', { record: flight })).body).toMatchObject({ epoch: 1, modelVersion: '1' });
    const mended = await setRoute(serving.store, 'guarded', { champion });
    await untilEpoch(server.url, 'guarded', mended.epoch);
    expect((await status())['problem']).toBeNull();
  },
  atMostMs,
);

test(
  'an endpoint whose only route is refused answers 503 with the reason',
  async () => {
    const missing = { ...versions[0], model: 'missing' };
    const altered = { ...versions[0], packageDigest: '0'.repeat(64) };
    await setRoute(serving.store, 'hollow', { champion: missing });
    await setRoute(serving.store, 'forged', { champion: altered });
    const answers = [await predict('hollow', { record: flight }), await predict('forged', { record: flight })];
    expect(answers.map(({ status, body }) => [status, body['code']])).toEqual([
      [503, 'SERVICE_UNAVAILABLE'],
      [503, 'PACKAGE_ALTERED'],
    ]);
  },
  atMostMs,
);

test(
  'a shadow answers the same request later, and the live answer does not wait for it',
  async () => {
    const spinMs = 1_500;
    const slow = await putTinyPackage(serving.store, { model: 'flights', modelVersion: 'slow' }, { bias: 2, spinMs });
    await setRoute(serving.store, 'mirrored', { champion: versions[0], shadows: [versions[1], slow] });
    await get(server.url, '/endpoints/mirrored');
    const started = performance.now();
    const { body } = await predict('mirrored', { requestId: 'pair-1', record: flight });
    expect(performance.now() - started).toBeLessThan(spinMs);
    const status = async () => (await get(server.url, '/endpoints/mirrored')).body;
    await until('both shadows answered', async () => (await status())['shadowed'] === 2);
    expect(await status()).toMatchObject({ answered: 1, failed: 0, shadowDropped: 0 });
    await until('the log is in the bucket', () => segmentsLeft(serving) === 0);
    const rows = await rowsInBucket(serving, 'inference/mirrored/');
    const live = rows.filter(({ shadow }) => shadow === false);
    const shadows = rows.filter(({ shadow }) => shadow === true);
    expect(live).toMatchObject([
      { requestId: 'pair-1', modelVersion: '1', output: (body['output'] as { late: number }).late },
    ]);
    const facts = { requestId: 'pair-1', arm: 'shadow', status: 200, record: live[0]?.['record'], epoch: 1 };
    expect(
      shadows.toSorted((a, b) => String(a['modelVersion']).localeCompare(String(b['modelVersion']))),
    ).toMatchObject([
      { ...facts, modelVersion: '2', output: expect.closeTo(1 / (1 + Math.exp(-1)), 6) },
      { ...facts, modelVersion: 'slow', output: expect.closeTo(1 / (1 + Math.exp(-2)), 6) },
    ]);
  },
  atMostMs,
);

test(
  'a shadow that fails costs the live answer nothing',
  async () => {
    const broken = await putTinyPackage(serving.store, { model: 'flights', modelVersion: 'nan' }, { bias: Number.NaN });
    await setRoute(serving.store, 'unhurt', { champion: versions[0], shadows: [broken] });
    expect((await predict('unhurt', { record: flight })).status).toBe(200);
    const status = async () => (await get(server.url, '/endpoints/unhurt')).body;
    await until('the shadow was tried', async () => (await status())['shadowed'] === 1);
    expect(await status()).toMatchObject({ answered: 1, failed: 0 });
  },
  atMostMs,
);
