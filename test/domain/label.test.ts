import { labelNumber } from '../../domain/label.ts';
import { tinySignatureOf } from '../support/tiny-model.ts';

/** Classes of the tiny model: early, late, on time. */
test.each([
  ['binary', 'true', 1],
  ['binary', 'FALSE', 0],
  ['binary', true, 1],
  ['binary', '1', 1],
  ['binary', 0, 0],
  ['regression', '-1.5e3', -1500],
  ['regression', 7, 7],
  ['multiclass', 'early', 0],
  ['multiclass', 'on time', 2],
] as const)('of a %s target %p is the number %p', (task, given, label) => {
  expect(labelNumber(tinySignatureOf(task), given)).toBe(label);
});

test.each([
  ['binary', 'yes', 'true or false'],
  ['binary', 2, 'true or false'],
  ['regression', '', 'finite number'],
  ['regression', 'Infinity', 'finite number'],
  ['regression', null, 'finite number'],
  ['multiclass', '1', 'early, late, on time'],
  ['multiclass', 'Late', 'early, late, on time'],
] as const)('of a %s target %p is refused', (task, given, wanted) => {
  expect(() => labelNumber(tinySignatureOf(task), given)).toThrow(
    expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining(wanted) }),
  );
});
