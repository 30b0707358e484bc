import { numberProfile, trainingProfile } from '../../training/profile.ts';

test('a hundred different values give ten bins of ten, parted halfway between neighbours', () => {
  const { edges, counts } = numberProfile(Float32Array.from({ length: 100 }, (_, index) => 100 - index));
  expect(edges).toEqual([10.5, 20.5, 30.5, 40.5, 50.5, 60.5, 70.5, 80.5, 90.5]);
  expect(counts).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 10, 10]);
});

test('equal values share a bin, so edges are strictly increasing', () => {
  const values = Float32Array.from({ length: 70 }, (_, index) => index % 7);
  const { edges, counts } = numberProfile(values);
  expect(edges).toEqual([0.5, 1.5, 2.5, 3.5, 4.5, 5.5]);
  expect(counts).toEqual([10, 10, 10, 10, 10, 10, 10]);
});

test('a feature that is mostly one value keeps the rest apart', () => {
  const { edges, counts } = numberProfile(Float32Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 7));
  expect(edges).toEqual([3.5]);
  expect(counts).toEqual([9, 1]);
});

test('a constant feature has one bin', () => {
  expect(numberProfile(Float32Array.of(3, 3, 3))).toMatchObject({ edges: [], counts: [3] });
});

test('of several classes the most likely one is counted by its place, and there is no share of true labels', () => {
  const table = {
    names: { numbers: [], categories: [] },
    task: 'multiclass',
    classes: ['a', 'b', 'c'],
    rows: 3,
    skipped: 0,
    numbers: new Float32Array(),
    codes: new Int32Array(),
    labels: Float64Array.of(0, 1, 2),
    vocabularies: [],
  } as const;
  const predictions = Float32Array.of(0.5, 0.25, 0.25, 0.25, 0.25, 0.5, 0.375, 0.25, 0.375);
  expect(trainingProfile(table, predictions)).toMatchObject({
    prediction: { edges: [0.5, 1.5], counts: [2, 0, 1] },
    labelShare: null,
  });
});
