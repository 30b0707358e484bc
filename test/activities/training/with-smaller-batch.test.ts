import { withSmallerBatch } from '../../../activities/training/with-smaller-batch.ts';
import { CodedError } from '../../../domain/errors.ts';
import type { ParamValue, TrainerSpec } from '../../../domain/trainer.ts';
import { torch } from '../../../workflows/steps/python-trainers.ts';

const full = () => new CodedError('DEVICE_MEMORY_EXHAUSTED', 'The device has not enough memory.');
const asked = torch({ hidden: [8], epochs: 1, batchSize: 300 });

/** Fits up to `most` rows. */
async function batches(trainer: TrainerSpec, most: number) {
  const tried: ParamValue[] = [];
  const said: string[] = [];
  const outcome = await withSmallerBatch(trainer, {
    attempt: async (spec) => {
      const batch = spec.kind === 'dense' ? spec.batchSize : (spec.params['batchSize'] ?? 0);
      tried.push(batch);
      if (Number(batch) > most) throw full();
      return 'trained';
    },
    onSmaller: (text) => void said.push(text),
  }).catch((error: unknown) => error);
  return { tried, said, outcome };
}

test('the batch is halved until it fits, and the trainer that came through is given back', async () => {
  const { tried, said, outcome } = await batches(asked, 80);
  expect(tried).toEqual([300, 150, 75]);
  expect(said.at(-1)).toBe("The device's memory is exhausted: tried again with batchSize 75.");
  expect(outcome).toMatchObject({ result: 'trained', trainer: { params: { batchSize: 75, epochs: 1 } } });
});

test('it is not halved below the least', async () => {
  const { tried, outcome } = await batches(asked, 1);
  expect(tried).toEqual([300, 150, 75, 37, 32]);
  expect(outcome).toMatchObject({ code: 'DEVICE_MEMORY_EXHAUSTED', message: expect.stringContaining('batchSize 32') });
});

test('a trainer that does not allow it is tried once', async () => {
  const { smallerBatch, ...fixed } = asked;
  expect(smallerBatch).toBeDefined();
  const { tried, outcome } = await batches(fixed, 1);
  expect(tried).toEqual([300]);
  expect(outcome).toMatchObject({ message: 'The device has not enough memory.' });
});

test('another failure is not tried again', async () => {
  let tries = 0;
  const failing = withSmallerBatch(asked, {
    attempt: () => {
      tries += 1;
      return Promise.reject(new CodedError('TRAINING_FAILED', 'It fell over.'));
    },
    onSmaller: () => undefined,
  });
  await expect(failing).rejects.toMatchObject({ code: 'TRAINING_FAILED' });
  expect(tries).toBe(1);
});
