import { specialFunctions } from '../../activities/special-functions.ts';
import { golden, relativeError } from './golden.ts';

const cases = Object.entries(golden.specialFunctions).flatMap(([name, rows]) =>
  rows.map((row) => ({
    name: name as keyof typeof specialFunctions,
    args: row.slice(0, -1),
    expected: row.at(-1) ?? Number.NaN,
  })),
);

test.each(cases)('cephes agrees with scipy 1.17.1: $name($args)', ({ name, args, expected }) => {
  const call: (...values: number[]) => number = specialFunctions[name];
  // Relative also in the far tails: evidence is a ratio of them. Only against a true 0 is the error absolute.
  expect(relativeError(call(...args), expected, expected === 0 ? 1 : 1e-300)).toBeLessThan(1e-9);
});
