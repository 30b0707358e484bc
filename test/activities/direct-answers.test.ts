import { openTraffic } from '../../activities/release/traffic-tables.ts';
import { answer, challenger, champion, timeOf, writeTraffic } from './traffic-fixtures.ts';

const shadowOf = (second: number) => answer(second, { arm: 'shadow', shadow: true, modelVersion: '2' });

test('answers of a version that the client named itself are no evidence, nor are those of its shadows', async () => {
  const files = await writeTraffic(
    [
      answer(0),
      answer(1, { arm: 'direct' }),
      answer(2, { arm: 'direct', modelVersion: '2', status: 500 }),
      shadowOf(0),
      shadowOf(1),
      shadowOf(2),
    ],
    [],
  );
  const scope = { versions: [champion, challenger], sinceEpoch: 5, since: timeOf(0) };
  const tables = await openTraffic(files, scope);
  try {
    expect(await tables.all('SELECT requestId, shadow FROM answers ORDER BY shadow')).toEqual([
      { requestId: 'request-0', shadow: false },
      { requestId: 'request-0', shadow: true },
    ]);
  } finally {
    tables.close();
  }
});
