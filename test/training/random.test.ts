import { createRandom, randomFrom, seededState, shuffle, xoshiro128 } from '../../training/built-in/random.ts';

test('the generator gives the outputs of the reference program', () => {
  const next = xoshiro128(Int32Array.of(1, 2, 3, 4));
  // xoshiro128starstar.c, version 1.1, from the state 1, 2, 3, 4.
  const expected = [
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ];
  expect(expected.map(() => next())).toEqual(expected);
});

test('seeds that differ only above 32 bits give different streams', () => {
  expect(createRandom(1 + 2 ** 40)()).not.toBe(createRandom(1)());
});

test('a copy of the state goes on where the stream stood', () => {
  const state = seededState(3);
  const random = randomFrom(state);
  random();
  const later = randomFrom(state.slice());
  expect([later(), later()]).toEqual([random(), random()]);
});

test('a shuffle keeps every element and puts each equally often in front', () => {
  const random = createRandom(5);
  const inFront = [0, 0, 0, 0];
  for (let round = 0; round < 8_000; round += 1) {
    const order = Uint32Array.of(0, 1, 2, 3);
    shuffle(order, random);
    expect(order.toSorted()).toEqual(Uint32Array.of(0, 1, 2, 3));
    inFront[order[0] ?? 0] = (inFront[order[0] ?? 0] ?? 0) + 1;
  }
  // 2,000 ± 5 deviations of 39.
  for (const count of inFront) expect(Math.abs(count - 2_000)).toBeLessThan(195);
});
