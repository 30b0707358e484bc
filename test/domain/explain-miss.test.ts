import { missSentence } from '../../domain/explain-miss.ts';
import type { StepCacheParts } from '../../domain/step-cache.ts';

const parts: StepCacheParts = {
  code: { features: 'a'.repeat(64) },
  inputs: { data: { snapshot: { digest: 'd1' }, rows: 10 } },
  params: { trainer: { epochs: 3, hidden: [16, 8] }, seed: 7 },
  environment: { node: 'v20' },
};
const changed = (differing: Partial<StepCacheParts>): StepCacheParts => ({ ...parts, ...differing });

test('of several results the nearest is told, value by value', () => {
  const kept = [
    { name: 'far', parts: changed({ params: { trainer: { epochs: 1, hidden: [4] }, seed: 1 } }) },
    { name: 'near', parts: changed({ params: { trainer: { epochs: 2, hidden: [16, 8] }, seed: 7 } }) },
  ];
  expect(missSentence(parts, kept)).toBe('Nearest is near: params differ: trainer.epochs 3, was 2.');
});

test('each part that differs has its own clause, and digests are short', () => {
  const kept = [
    {
      name: 'flights/1',
      parts: changed({
        code: { features: 'b'.repeat(64) },
        inputs: { data: { snapshot: { digest: 'd0' }, rows: 10 } },
      }),
    },
  ];
  expect(missSentence(parts, kept)).toBe(
    'Nearest is flights/1: code differs: features aaaaaaaaaaaa, was bbbbbbbbbbbb; data differs: data.snapshot.digest d1, was d0.',
  );
});

test('a list is one value, and a value that one side lacks is nothing', () => {
  const kept = [{ name: 'x', parts: changed({ params: { trainer: { epochs: 3, hidden: [16] } } }) }];
  expect(missSentence(parts, kept)).toBe(
    'Nearest is x: params differ: seed 7, was nothing, trainer.hidden [16,8], was [16].',
  );
});

test('many differences are counted', () => {
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, place) => [`p${place}`, place]));
  expect(missSentence(changed({ params: many }), [{ name: 'x', parts: changed({ params: {} }) }])).toMatch(
    / and 5 more\.$/,
  );
});

test('the first training of a model has nothing to differ from', () => {
  expect(missSentence(parts, [])).toBe('No training of this model is kept yet.');
});
