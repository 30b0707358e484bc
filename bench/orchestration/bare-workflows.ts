import { proxyActivities } from '@temporalio/workflow';

const { step } = proxyActivities<{ step(value: number): Promise<number> }>({
  taskQueue: 'bare',
  startToCloseTimeout: '1 minute',
});

/** The floor: one activity after the other, as the bare SDK runs them. */
export async function sequence(input: { readonly steps: number }): Promise<number> {
  let value = 0;
  for (let index = 0; index < input.steps; index += 1) value = await step(value);
  return value;
}

/** The floor: all activities at once. */
export async function fanOut(input: { readonly steps: number }): Promise<number> {
  const values = await Promise.all(Array.from({ length: input.steps }, (_, index) => step(index)));
  return values.length;
}
