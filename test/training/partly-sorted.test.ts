import fc from 'fast-check';
import { partlySorted } from '../../training/partly-sorted.ts';
import { numberProfile } from '../../training/profile.ts';

const value = fc.oneof(
  fc.float({ noNaN: true }),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(0, -0, 1e-45, -1e-45, 3.4e38, Number.POSITIVE_INFINITY),
);

test('places that were asked for hold what a full sort has there, and the ends of equal values are theirs', () => {
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 300 }),
      fc.array(fc.nat(299), { maxLength: 9 }),
      (given, asked) => {
        const values = Float32Array.from(given);
        const full = values.toSorted();
        const places = asked.filter((place) => place < values.length);
        const sorted = partlySorted(values, places);
        for (const place of places) {
          const { start, end } = sorted.equalTo(place);
          const wanted = full[place] ?? Number.NaN;
          expect(sorted.at(place)).toBe(wanted + 0);
          expect({ start, end }).toEqual({
            start: full.findIndex((each) => each === wanted),
            end: full.findLastIndex((each) => each === wanted) + 1,
          });
          for (const next of [start - 1, end])
            expect(sorted.at(next)).toBe(full[next] === undefined ? undefined : (full[next] ?? 0) + 0);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('a profile of no value, one value and equal values has one bin', () => {
  for (const values of [[], [4], [2, 2, 2, 2]])
    expect(numberProfile(Float32Array.from(values))).toEqual({
      kind: 'number',
      edges: [],
      counts: [values.length],
      missing: 0,
    });
});
