import { readInput, readOwnOptions } from '../../cli/input.ts';

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

describe("a pipeline's own parameters as options", () => {
  test('are JSON or else text, with a blank or an equals sign', () => {
    expect(readOwnOptions(['--data', 'newest', '--epochs=3', '--keys', '["a","b"]', '--note=a=b'])).toEqual({
      data: 'newest',
      epochs: 3,
      keys: ['a', 'b'],
      note: 'a=b',
    });
  });

  test.each([
    [['newest'], "'newest' stands alone"],
    [['--data'], '--data lacks a value'],
    [['--data', '--trainer', 'x'], '--data lacks a value'],
    [['--jsno'], "unknown option '--jsno'. Did you mean --json?"],
  ])('%j is wrong usage', (words, message) => {
    expect(() => readOwnOptions(words)).toThrow(message);
  });
});
