import { sobolPoint } from '../../../domain/search/sobol.ts';

const unshifted = (dimensions: number): readonly number[] => Array.from({ length: dimensions }, () => 0);

it('gives the points of scipy 1.17.1, qmc.Sobol(4, scramble=False)', () => {
  expect([0, 1, 2, 3, 4, 5].map((index) => sobolPoint(index, unshifted(4)))).toEqual([
    [0, 0, 0, 0],
    [0.5, 0.5, 0.5, 0.5],
    [0.75, 0.25, 0.25, 0.25],
    [0.25, 0.75, 0.75, 0.75],
    [0.375, 0.375, 0.625, 0.875],
    [0.875, 0.875, 0.125, 0.375],
  ]);
});

it('gives those of its 64th dimension too', () => {
  const [point37, point63] = [sobolPoint(37, unshifted(64)), sobolPoint(63, unshifted(64))];
  expect([0, 5, 20, 40, 63].map((at) => point37[at])).toEqual([0.921875, 0.296875, 0.953125, 0.078125, 0.828125]);
  expect([1, 7, 30, 50, 62].map((at) => point63[at])).toEqual([0.796875, 0.140625, 0.015625, 0.265625, 0.234375]);
});

it('keeps one point in each sixteenth of every dimension when it is shifted', () => {
  const shift = [123_456_789, 987_654_321, 555_555_555];
  const points = Array.from({ length: 16 }, (_, index) => sobolPoint(index, shift));
  for (const dimension of [0, 1, 2]) {
    const cells = points.map((point) => Math.floor(16 * (point[dimension] ?? 0)));
    expect(cells.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, cell) => cell));
  }
});

it('refuses more hyper-parameters than it has direction numbers for', () => {
  expect(() => sobolPoint(1, unshifted(65))).toThrow('at most 64');
});
