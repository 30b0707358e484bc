import { trackMetrics } from '../../../activities/training/track-training.ts';

const point = (name: string, step: number, value = step) => ({ name, step, value, elapsedMs: step });

test('points are kept in their order, and the last of each metric is known', () => {
  const track = trackMetrics(() => undefined);
  for (const each of [point('b', 1), point('a', 1), point('b', 2, 9)]) track.add(each);
  expect(track.points().map(({ name, step }) => `${name}${step}`)).toEqual(['b1', 'a1', 'b2']);
  expect(track.last()).toEqual({ a: 1, b: 9 });
});

test('above the limit every metric keeps its shape, the rare one whole, and it is said once', () => {
  const notes: string[] = [];
  const track = trackMetrics((text) => notes.push(text), { points: 100, names: 10 });
  track.add(point('rare', 0));
  for (let step = 0; step < 1_000; step++) for (const name of ['even', 'odd']) track.add(point(name, step));
  const steps = (metric: string) => track.points().flatMap(({ name, step }) => (name === metric ? [step] : []));
  expect(track.points().length).toBeLessThanOrEqual(100);
  expect(steps('rare')).toEqual([0]);
  expect(steps('even')).toEqual(steps('odd'));
  const apart = steps('even').map((step, place, all) => step - (all[place - 1] ?? step));
  expect(new Set(apart.slice(1)).size).toBe(1);
  expect(track.last()).toEqual({ rare: 0, even: 999, odd: 999 });
  expect(notes.filter((note) => note.includes('metric points'))).toHaveLength(1);
});

test('a value that is no number is told once and not kept', () => {
  const notes: string[] = [];
  const track = trackMetrics((text) => notes.push(text));
  for (const value of [Number.NaN, Number.NaN, 0.5]) track.add(point('loss', 1, value));
  expect(track.points()).toHaveLength(1);
  expect(notes).toHaveLength(1);
});

test('names without end do not fill the history', () => {
  const track = trackMetrics(() => undefined, { points: 1_000, names: 3 });
  for (let step = 0; step < 50; step++) track.add(point(`m${step}`, 1));
  track.add(point('m1', 2));
  expect(track.last()).toEqual({ m0: 1, m1: 2, m2: 1 });
});

test('points of an earlier attempt stay, and give way from the step that is reported again', () => {
  const track = trackMetrics(() => undefined);
  track.restore([point('loss', 1), point('loss', 2), point('auc', 2)]);
  for (const each of [point('loss', 2, 9), point('loss', 3)]) track.add(each);
  expect(track.points().map(({ name, step, value }) => `${name} ${step} ${value}`)).toEqual([
    'loss 1 1',
    'auc 2 2',
    'loss 2 9',
    'loss 3 3',
  ]);
  expect(track.last()).toEqual({ auc: 2, loss: 3 });
});
