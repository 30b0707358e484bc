import type { StepRecord } from '../../domain/run.ts';
import { plainView } from '../../cli/progress-view.ts';

function step(name: string, status: StepRecord['status'], summary = ''): StepRecord {
  return { step: name, status, summary, startedAt: '2026-01-01T00:00:00Z', elapsedMs: 1_500 };
}

test('each change is one line; what did not change is not said again', () => {
  const lines: string[] = [];
  let now = 0;
  const view = plainView({ write: (line) => void lines.push(line), now: () => now });
  view.update({ steps: [step('train', 'running')], notes: [] });
  now = 2_000;
  view.update({ steps: [step('train', 'running')], notes: ['epoch 1 of 3, loss 0.52'] });
  view.update({ steps: [step('train', 'running')], notes: ['epoch 1 of 3, loss 0.52'] });
  now = 65_000;
  view.update({ steps: [step('train', 'completed', '3 epochs'), step('canary', 'running', 'weight 5 %')], notes: [] });
  expect(lines).toEqual([
    '[    0 ms] train …',
    '[   2.0 s] train: epoch 1 of 3, loss 0.52',
    '[1 min 5 s] train done in 1.5 s: 3 epochs',
    '[1 min 5 s] canary: weight 5 %',
  ]);
});

test('a failed step says so', () => {
  const lines: string[] = [];
  const view = plainView({ write: (line) => void lines.push(line), now: () => 0 });
  view.update({ steps: [step('validate', 'failed', 'stopped at the gate')], notes: [] });
  expect(lines).toEqual(['[    0 ms] validate failed after 1.5 s: stopped at the gate']);
});
