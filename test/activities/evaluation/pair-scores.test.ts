import { pairScores, type ScoredModel } from '../../../activities/evaluation/pair-scores.ts';
import { qualityMetrics } from '../../../domain/evaluation/metrics.ts';
import type { Task } from '../../../domain/target.ts';

function model(task: Task, parts: Partial<ScoredModel['scores']>): ScoredModel {
  const labels = parts.labels ?? new Float64Array();
  return {
    target: { name: 'kind', task, sql: 'kind' },
    scores: {
      outputs: new Float32Array(labels.length),
      width: 1,
      labels,
      classes: null,
      rowNumbers: Uint32Array.from(labels.keys()),
      by: {},
      refused: {},
      ...parts,
    },
  };
}

test('only rows that both models could score are compared', () => {
  const challenger = model('binary', {
    outputs: Float32Array.of(0.1, 0.2, 0.3, 0.4),
    labels: Float64Array.of(0, 1, 0, 1),
    rowNumbers: Uint32Array.of(0, 2, 3, 7),
  });
  const champion = model('binary', {
    outputs: Float32Array.of(0.5, 0.6, 0.7),
    labels: Float64Array.of(0, 1, 1),
    rowNumbers: Uint32Array.of(1, 2, 7),
  });
  const pair = pairScores(challenger, champion);
  expect([...pair.rows]).toEqual([1, 3]);
  expect(pair.unanswered).toBe(1);
  expect(Array.from(pair.challenger.outputs)).toEqual([Math.fround(0.2), Math.fround(0.4)]);
  expect(Array.from(pair.champion.outputs)).toEqual([Math.fround(0.6), Math.fround(0.7)]);
  expect(Array.from(pair.champion.labels)).toEqual([1, 1]);
});

test('classes are matched by name, and one that a model does not know has probability 0', () => {
  // Rows are of the classes b, c and d; the champion knows a and b, the challenger b and c, nobody d.
  const challenger = model('multiclass', {
    outputs: Float32Array.of(0.75, 0.25, 0.25, 0.75, 0.5, 0.5),
    width: 2,
    classes: ['b', 'c'],
    labels: Float64Array.of(0, 1, -1),
  });
  const champion = model('multiclass', {
    outputs: Float32Array.of(0.25, 0.75, 0.5, 0.5, 1, 0),
    width: 2,
    classes: ['a', 'b'],
    labels: Float64Array.of(1, -1, -1),
  });
  const pair = pairScores(challenger, champion);
  expect(Array.from(pair.challenger.outputs)).toEqual([0, 0.75, 0.25, 0, 0.25, 0.75, 0, 0.5, 0.5]);
  expect(Array.from(pair.champion.outputs)).toEqual([0.25, 0.75, 0, 0.5, 0.5, 0, 1, 0, 0]);
  expect(Array.from(pair.champion.labels)).toEqual([1, 2, -1]);
  expect(qualityMetrics.accuracy.value(pair.challenger)).toBeCloseTo(2 / 3, 15);
  expect(qualityMetrics.accuracy.value(pair.champion)).toBeCloseTo(1 / 3, 15);
});

test('a class that only the champion knows is the truth for both', () => {
  const challenger = model('multiclass', {
    outputs: Float32Array.of(1),
    classes: ['b'],
    labels: Float64Array.of(-1),
  });
  const champion = model('multiclass', {
    outputs: Float32Array.of(0.9, 0.1),
    width: 2,
    classes: ['a', 'b'],
    labels: Float64Array.of(0),
  });
  const pair = pairScores(challenger, champion);
  expect(Array.from(pair.challenger.labels)).toEqual([0]);
  expect(qualityMetrics.accuracy.value(pair.champion)).toBe(1);
});

test('models of two tasks are not compared', () => {
  const labels = Float64Array.of(1);
  expect(() => pairScores(model('binary', { labels }), model('regression', { labels }))).toThrow(
    expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringMatching(/binary.*regression/) }),
  );
});
