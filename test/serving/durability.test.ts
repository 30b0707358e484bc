import type { ModelReference } from '../../domain/model-package.ts';
import type { Serving } from './harness.ts';
import { putTinyPackage } from '../support/tiny-model.ts';
import { flight, get, post, rowsInBucket, segmentsLeft, setRoute, until, withServing } from './harness.ts';
import { restartableS3, type RestartableS3 } from '../support/restartable-s3.ts';
import { startTraffic, type Traffic } from './traffic.ts';

/** Processes start slowly on a machine that is busy with other tests. */
const atMostMs = 60_000;
/** Nobody repeats a request here later than that. */
const options = { retryWindow: '2 seconds' } as const;

let s3: RestartableS3;
let serving: Serving;
let champion: ModelReference;

beforeAll(async () => {
  s3 = await restartableS3();
  serving = await withServing(s3);
  champion = await putTinyPackage(serving.store, { model: 'flights', modelVersion: '1' }, { bias: -1 });
  await setRoute(serving.store, 'flights', { champion });
}, atMostMs);

afterAll(() => serving.close(), atMostMs);

/** A busy machine may be told to come again (429); that is no answer and stands in no log. */
const answeredIn = ({ answers }: Traffic): readonly string[] =>
  [...answers].filter(([, answer]) => answer?.status === 200).map(([requestId]) => requestId);

async function timesInBucket(prefix: string): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>();
  for (const { requestId } of await rowsInBucket(serving, prefix)) {
    times.set(String(requestId), (times.get(String(requestId)) ?? 0) + 1);
  }
  return times;
}

test(
  'after kill -9 under load, every answered request is in the bucket exactly once',
  async () => {
    const server = await serving.start(options);
    const traffic = startTraffic(server.url, 'flights', { name: 'killed' });
    const partly = async () =>
      traffic.answers.size > 400 && (await rowsInBucket(serving, 'inference/flights/')).length > 0;
    await until('some of the log is in the bucket', partly);
    process.kill(server.pid, 'SIGKILL');
    expect(await server.exited).toBeNull();
    await traffic.stop();
    expect(segmentsLeft(serving)).toBeGreaterThan(0);

    const next = await serving.start(options);
    expect((await post(next.url, '/endpoints/flights/predict', { record: flight })).status).toBe(200);
    await until('the log is in the bucket', () => segmentsLeft(serving) === 0);
    const times = await timesInBucket('inference/flights/');
    const answered = answeredIn(traffic);
    expect(answered.length).toBeGreaterThan(400);
    expect(answered.filter((requestId) => times.get(requestId) !== 1)).toEqual([]);
    expect([...times].filter(([, count]) => count !== 1)).toEqual([]);
    await next.stop();
  },
  atMostMs,
);

test(
  'after kill -9 of answering processes, every request is answered at its second try and in the bucket exactly once',
  async () => {
    const server = await serving.start(options);
    const answered = new Set<string>();
    const refused: string[] = [];
    let [stopped, next, repeats] = [false, 0, 0];
    const client = async (): Promise<void> => {
      while (!stopped) {
        const requestId = `repeated-${next++}`;
        const ask = () => post(server.url, '/endpoints/flights/predict', { requestId, record: flight });
        const answer = await ask().catch(() => {
          repeats += 1;
          return ask();
        });
        if (answer.status === 200) answered.add(requestId);
        else if (answer.status !== 429) refused.push(`${requestId}: ${answer.status}`);
      }
    };
    const clients = Array.from({ length: 8 }, client);
    for (let kills = 0; kills < 4; kills += 1) {
      const before = answered.size;
      await until('answers between kills', () => answered.size > before + 150 && server.answering().length > 1);
      const [victim] = server.answering();
      if (victim === undefined) throw new Error('No process answers.');
      process.kill(victim, 'SIGKILL');
    }
    await until('answers after the last kill', () => answered.size > 1_000);
    stopped = true;
    await Promise.all(clients);
    await server.stop();
    expect([refused, segmentsLeft(serving)]).toEqual([[], 0]);
    const times = await timesInBucket('inference/flights/');
    expect(repeats).toBeGreaterThan(0);
    expect([...answered].filter((requestId) => times.get(requestId) !== 1)).toEqual([]);
    expect([...times].filter(([, count]) => count !== 1)).toEqual([]);
  },
  atMostMs,
);

test(
  'without S3 it serves on, and the log follows when S3 is back',
  async () => {
    const server = await serving.start(options);
    await s3.down();
    const traffic = startTraffic(server.url, 'flights', { name: 'outage' });
    const status = async () => (await get(server.url, '/endpoints/flights')).body;
    await until('the outage shows', async () => (await status())['problem'] !== null);
    await until('more answers', () => answeredIn(traffic).length > 300);
    await traffic.stop();
    expect([...traffic.answers.values()].filter((answer) => answer?.status !== 200 && answer?.status !== 429)).toEqual(
      [],
    );
    expect(await status()).toMatchObject({ logged: 0, problem: { code: 'SERVICE_UNAVAILABLE' } });
    expect(segmentsLeft(serving)).toBeGreaterThan(0);

    await s3.up();
    await until('the log is in the bucket', async () => (await status())['logged'] === answeredIn(traffic).length);
    const times = await timesInBucket('inference/flights/');
    expect(answeredIn(traffic).filter((requestId) => times.get(requestId) !== 1)).toEqual([]);
    await until('the problem is gone', async () => (await status())['problem'] === null);
    await server.stop();
  },
  atMostMs,
);

test(
  'a start without S3 serves what this machine served last, and keeps its log',
  async () => {
    await s3.down();
    const server = await serving.start(options);
    expect((await get(server.url, '/v2/health/ready')).status).toBe(200);
    const { status, body } = await post(server.url, '/endpoints/flights/predict', {
      requestId: 'alone',
      record: flight,
    });
    expect({ status, epoch: body['epoch'] }).toEqual({ status: 200, epoch: 1 });
    expect((await post(server.url, '/endpoints/unheard/predict', { record: flight })).status).toBe(503);
    await server.stop();
    expect(await server.exited).toBe(0);
    expect(segmentsLeft(serving)).toBe(1);

    await s3.up();
    const next = await serving.start(options);
    await until('the log is in the bucket', () => segmentsLeft(serving) === 0);
    expect((await timesInBucket('inference/flights/')).get('alone')).toBe(1);
    await next.stop();
  },
  atMostMs,
);
