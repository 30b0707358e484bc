import { readInput } from '../../cli/input.ts';

test('without options the input is an empty object', () => {
  expect(readInput({})).toEqual({});
});

test('a parameter stands over the same field of --input; its value is JSON or else text', () => {
  const input = readInput({ input: '{"data":"newest","n":1}', param: ['n=2', 'keys=["a","b"]', 'data=x=y'] });
  expect(input).toEqual({ data: 'x=y', n: 2, keys: ['a', 'b'] });
});

test.each(['{x', '[1]', '"text"', 'null'])('--input %s is wrong usage', (input) => {
  expect(() => readInput({ input })).toThrow(
    expect.objectContaining({ code: 'INPUT_INVALID', details: { usage: true } }),
  );
});

test('a parameter without a key is wrong usage', () => {
  expect(() => readInput({ param: ['=3'] })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
});
