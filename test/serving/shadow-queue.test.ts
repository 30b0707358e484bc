import { createShadowQueue } from '../../serving/hosting/shadow-queue.ts';

const note = (seen: string[], name: string) => ({
  run: async () => void seen.push(`run ${name}`),
  drop: () => void seen.push(`drop ${name}`),
});

test('a full queue drops what comes, at once, and runs what it has in order', async () => {
  const seen: string[] = [];
  const queue = createShadowQueue({ capacity: 2 });
  for (const name of ['a', 'b', 'c']) queue.offer(note(seen, name));
  expect(seen).toEqual(['drop c']);
  await queue.drain({ atMostMs: 10_000 });
  expect(seen).toEqual(['drop c', 'run a', 'run b']);
});

test('nothing runs in the turn that offers it', async () => {
  const seen: string[] = [];
  const queue = createShadowQueue({ capacity: 2 });
  queue.offer(note(seen, 'a'));
  await Promise.resolve();
  expect(seen).toEqual([]);
  await queue.drain({ atMostMs: 10_000 });
  expect(seen).toEqual(['run a']);
});

test('a drain without time drops what is left', async () => {
  const seen: string[] = [];
  const queue = createShadowQueue({ capacity: 2 });
  queue.offer(note(seen, 'a'));
  await queue.drain({ atMostMs: 0 });
  expect(seen).toEqual(['drop a']);
});
