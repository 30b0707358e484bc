import type { Expectation } from '../../../domain/expectation.ts';
import { type GateBench, openGateBench } from './gate-bench.ts';

let bench: GateBench;
beforeAll(async () => {
  bench = await openGateBench();
});
afterAll(() => bench.close());

/** A schema that arrives as JSON: no compiler has seen it. */
const asJson = (expectation: unknown) => [JSON.parse(JSON.stringify(expectation)) as Expectation];
const one = 'SELECT 1 AS v';

test.each([
  [{ kind: 'between', column: 'v', min: 100, severity: 'error' }, /severity "error".*block, warn/],
  [{ kind: 'between', column: 'v', min: 'abc' }, /min "abc".*a number/],
  [{ kind: 'meanBetween', column: 'v', min: Number.NaN }, /min null.*a number/],
  [{ kind: 'between', column: 'v', minimum: 100, max: 200 }, /'minimum', which between does not know/],
  [{ kind: 'between', column: 'v', min: 100, environments: 'training' }, /environments "training".*list/],
  [{ kind: 'onlyColumns', columns: 'v and w' }, /columns "v and w".*list/],
  [{ kind: 'oneOf', column: 'v', values: [1] }, /values \[1\].*list of texts/],
  [{ kind: 'monotonic', column: 'v', direction: 'up' }, /direction "up".*increasing, decreasing/],
  [{ kind: 'type', column: 'v', type: 'float' }, /type "float".*boolean, integer, number/],
  [{ kind: 'matches', column: 'v' }, /has no pattern/],
  [{ kind: 'notNull' }, /has no column/],
  [{ kind: 'drift', column: 'v', statistic: 'psi', atMost: 0.1, against: 'yesterday' }, /against "yesterday"/],
  [{ kind: 'nonsense' }, /expectation 1 is of kind "nonsense"; there are type, notNull/],
  [{ kind: 'constructor' }, /expectation 1 is of kind "constructor"/],
  [null, /expectation 1 is null/],
  ['notNull', /expectation 1 is "notNull"/],
])('%j is refused instead of being held to be fulfilled', async (expectation, message) => {
  await expect(bench.check(one, asJson(expectation))).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringMatching(message) as unknown,
  });
});

test('all that is wrong is named at once, shares of the schema too', async () => {
  const wrong = asJson({ kind: 'unique' }).concat(asJson({ kind: 'rowCount', min: '5' }));
  const schema = JSON.parse('{"quarantineUpTo":"0.5"}') as object;
  await expect(bench.check(one, wrong, { schema })).rejects.toMatchObject({
    details: {
      problems: [
        'has quarantineUpTo "0.5", which is not a number',
        'expectation 1 (unique) has no columns',
        'expectation 2 (rowCount) has min "5", which is not a number',
      ],
    },
  });
});
