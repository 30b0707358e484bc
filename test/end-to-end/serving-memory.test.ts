import { median } from '../../bench/data/rounds.ts';
import { descendantsOf, residentBytesOf } from '../../bench/serving/cpu-time.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { post, setRoute, until } from '../serving/harness.ts';
import { putTinyPackage } from '../support/tiny-model.ts';
import { type FaultStage, openFaultStage } from './fault-stage.ts';

const limit = 240_000;
const swaps = 300;
/** Memory goes up and down while processes are recycled: the middle of so many swaps around the 20th is compared with that of the last. */
const window = 20;

let stage: FaultStage;
let first: ModelReference;
let second: ModelReference;

beforeAll(async () => {
  stage = await openFaultStage(
    async (store) => {
      const put = (modelVersion: string, bias: number) =>
        // 4 MB of memory each: what is not let go of would be a multiple of all the rest after 300 of them.
        putTinyPackage(store, { model: 'flights', modelVersion }, { bias, matrix: 1_000 });
      [first, second] = [await put('1', -1), await put('2', 1)];
      await setRoute(store, 'flights', { champion: first });
    },
    { flushEvery: '2 seconds' },
  );
}, limit);
afterAll(() => stage?.close(), limit);

test(
  'after 300 swaps of packages all processes together have at most a fifth more memory than after 20, and are as many',
  async () => {
    const bytes: number[] = [];
    const processes = descendantsOf(stage.server.pid).length;
    for (let swap = 1; swap <= swaps; swap += 1) {
      await stage.switchTo('flights', { champion: swap % 2 === 0 ? first : second });
      const { status } = await post(stage.server.url, '/endpoints/flights/predict', {
        record: { date: '2001-03-04T17:30:00', distance: 1200, origin: 'SFO' },
      });
      expect(status).toBe(200);
      bytes.push(residentBytesOf(stage.server.pid));
    }
    const early = median(bytes.slice(window / 2, window * 1.5));
    const late = median(bytes.slice(swaps - window));
    expect(late / early).toBeLessThan(1.2);
    await until('the processes of the start', () => descendantsOf(stage.server.pid).length === processes);
  },
  limit,
);
