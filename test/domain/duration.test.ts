import { type Duration, durationMs } from '../../domain/duration.ts';

test.each<[Duration, number]>([
  ['20 ms', 20],
  ['1.5 seconds', 1_500],
  ['30 minutes', 1_800_000],
  ['1 day', 86_400_000],
])('%s is %d ms', (duration, ms) => {
  expect(durationMs(duration)).toBe(ms);
});

test.each(['5 constructor', '5 toString', '5 __proto__', '5 mins', '5', '', '-1 day', 'x days'])(
  "'%s' is no duration",
  (text) => {
    expect(() => durationMs(text as Duration)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  },
);
