import { benchAsOfJoin } from './as-of-join.ts';
import { benchGate } from './gate.ts';
import { benchRowFeatures } from './row-features.ts';
import { benchSealing } from './sealing.ts';

/** The parts of data in turn: the gate, sealing, the as-of join, row features. Some ten minutes and 2 GB of disk. */
export async function data(): Promise<void> {
  await benchGate();
  await benchAsOfJoin();
  await benchRowFeatures();
  await benchSealing();
}
