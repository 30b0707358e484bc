import { encodeRows } from '../../domain/features.ts';

const names = { numbers: ['amount'], categories: ['plan'] };

test('rows are laid out one after another', () => {
  const rows = [
    { amount: 1.5, plan: 'a' },
    { amount: -3.4e38, plan: 'b' },
  ];
  expect(encodeRows(names, rows)).toEqual({
    rows: 2,
    numbers: Float32Array.of(1.5, -3.4e38),
    categories: ['a', 'b'],
  });
});

test.each([1e39, -1e300, Number.NaN, Number.POSITIVE_INFINITY])(
  '%d is refused: as FP32 it is no finite number, and a model would answer all the same',
  (amount) => {
    expect(() => encodeRows(names, [{ amount, plan: 'a' }])).toThrow(
      expect.objectContaining({ code: 'FEATURES_INVALID', message: expect.stringContaining('amount') }),
    );
  },
);
