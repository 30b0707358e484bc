import { temporaryFolder } from '../support/embedded.ts';
import { addFlights, cutFlights } from './flights.ts';
import { closed, openStage, type Stage, startRun } from './harness.ts';
import { checkout } from './project.ts';

const limit = 300_000;
let stage: Stage;
let data = '';

beforeAll(async () => {
  stage = await openStage(checkout);
  data = await addFlights(stage, await cutFlights(temporaryFolder(), 1, 20_000));
}, limit);
afterAll(() => stage?.close(), limit);

async function release(trainer: 'built-in' | 'lightgbm') {
  const { handle } = await startRun(stage, 'flights', `flights/by-${trainer}`, { data, trainer });
  expect(await closed(handle, limit)).toBe('COMPLETED');
  return (await handle.result()) as { readonly outcome: string; readonly reason: string };
}

test(
  'the flights pipeline promotes what LightGBM learned, and rejects the network that is shown no better, with the reason',
  async () => {
    expect(await release('lightgbm')).toMatchObject({
      outcome: 'promoted',
      reason: expect.stringMatching(/auc is 0\.6\d+; at least 0\.58 is asked/),
    });
    expect(await release('built-in')).toMatchObject({
      outcome: 'rejected',
      reason: expect.stringMatching(/auc differs from the champion's by -0\.\d+/),
    });
  },
  limit,
);
