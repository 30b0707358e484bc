import { benchAsOfJoin } from './data/as-of-join.ts';
import { data } from './data/data.ts';
import { benchGate } from './data/gate.ts';
import { benchRowFeatures } from './data/row-features.ts';
import { benchSealing } from './data/sealing.ts';
import { orchestration } from './orchestration/orchestration.ts';
import { benchServing } from './serving/serving.ts';
import { benchTraining } from './training/training.ts';

const benches: Readonly<Record<string, () => Promise<void>>> = {
  orchestration,
  data,
  'data:gate': benchGate,
  'data:as-of-join': benchAsOfJoin,
  'data:row-features': benchRowFeatures,
  'data:sealing': benchSealing,
  training: benchTraining,
  serving: () => benchServing(),
};

/** `npm run bench -- <name>`: measures one part against its floor in the same run and prints the figures. */
const name = process.argv[2] ?? '';
const bench = benches[name];
if (bench === undefined) {
  console.error(`No bench '${name}'. There is: ${Object.keys(benches).join(', ')}.`);
  process.exit(2);
}
await bench();
