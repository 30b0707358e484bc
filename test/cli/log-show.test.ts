import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  flight,
  post,
  rowsInBucket,
  segmentsLeft,
  type Serving,
  setRoute,
  until,
  withServing,
} from '../serving/harness.ts';
import { settingsOf } from '../support/cli.ts';
import { perduraHere } from '../support/cli-here.ts';
import { type TestS3, withTestS3 } from '../support/test-s3.ts';
import { putTinyPackage } from '../support/tiny-model.ts';

let service: TestS3;
let serving: Serving;

beforeAll(async () => {
  service = await withTestS3();
  serving = await withServing(service);
  const { store } = serving;
  const champion = await putTinyPackage(store, { model: 'flights', modelVersion: '1' }, { bias: 0 });
  const shadow = await putTinyPackage(store, { model: 'flights', modelVersion: '2' }, { bias: 1 });
  await setRoute(store, 'flights', { champion, shadows: [shadow] });
  const { url } = await serving.start();
  const ask = (body: unknown) => post(url, '/endpoints/flights/predict', body);
  const asked = [
    await ask({ requestId: 'r-1', subject: 'ada', record: flight }),
    await ask({ requestId: 'r-2', records: [flight, { ...flight, origin: 'JFK' }] }),
    await ask({ requestId: 'r-20', record: flight }),
    await post(url, '/endpoints/flights/labels', { labels: [{ requestId: 'r-1', label: 1 }] }),
  ];
  if (asked.some(({ status }) => status >= 300)) throw new Error(JSON.stringify(asked));
  // Four rows, each also from the shadow, which answers after the client has its answer.
  const rows = async () => (await rowsInBucket(serving, 'inference/flights/')).length;
  await until('the log is in the bucket', async () => segmentsLeft(serving) === 0 && (await rows()) === 8);
}, 60_000);

afterAll(() => serving.close(), 60_000);

const perdura = (...words: readonly string[]) =>
  perduraHere(words, {
    folder: serving.homeFolder,
    environment: { PERDURA_HOME: join(serving.homeFolder, 'cli'), ...settingsOf(service) },
  });

async function shown(...words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { exitCode, stdout } = await perdura('log', 'show', ...words, '--json');
  return { exitCode, ...(JSON.parse(stdout) as Readonly<Record<string, unknown>>) };
}

test('a request is shown with its answers, its label and the route it was answered under', async () => {
  const live = { requestId: 'r-1', subject: 'ada', arm: 'champion', modelVersion: '1', shadow: false, record: flight };
  expect(await shown('flights', 'r-1')).toMatchObject({
    exitCode: 0,
    endpoint: 'flights',
    answers: expect.arrayContaining([
      expect.objectContaining(live),
      expect.objectContaining({ ...live, arm: 'shadow', modelVersion: '2', shadow: true }),
    ]),
    labels: [{ requestId: 'r-1', label: 1 }],
    routes: [{ epoch: 1, who: 'test', why: 'test' }],
  });
  const { stdout } = await perdura('log', 'show', 'flights', 'r-1');
  for (const part of [
    'champion',
    'shadow',
    'flights 2',
    '"origin":"SFO"',
    'epoch 1 since',
    'by test: test',
    'subject: ada',
  ])
    expect(stdout).toContain(part);
});

test('a request of several rows is found whole, and no other with it', async () => {
  const idsOf = async (id: string) => {
    const { answers } = (await shown('flights', id)) as { readonly answers: readonly { readonly requestId: string }[] };
    return [...new Set(answers.map(({ requestId }) => requestId))].toSorted();
  };
  expect(await idsOf('r-2')).toEqual(['r-2/0', 'r-2/1']);
  expect(await idsOf('r-2/1')).toEqual(['r-2/1']);
});

test('bounds of time are held, and what is not there is said with them', async () => {
  const error = async (...words: readonly string[]) => (await shown(...words))['error'];
  expect(await error('flights', 'r-1', '--until', '2001-01-01')).toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining("'r-1' of endpoint 'flights' is not in the log until 2001-01-01"),
  });
  expect(await error('flights', "r-1' OR true --")).toMatchObject({ code: 'NOT_FOUND' });
  expect(await error('flights', 'r-1', '--since', 'yesterday')).toMatchObject({ code: 'INPUT_INVALID' });
  expect(await error('flihgts', 'r-1')).toMatchObject({ message: expect.stringContaining("'flights'") });
});

test('a log with a file that is no Parquet is told of, not read past', async () => {
  const file = join(serving.homeFolder, 'broken.parquet');
  await writeFile(file, 'these bytes are no table');
  const key = 'inference/flights/dt=2001-03-01/hr=10/other-1.parquet';
  await serving.store.write(key, { file });
  expect(await shown('flights', 'r-1')).toMatchObject({ exitCode: 1, error: { code: 'DATA_UNREADABLE' } });
  expect(await shown('flights', 'r-1', '--since', '2020-01-01')).toMatchObject({ exitCode: 0 });
});
