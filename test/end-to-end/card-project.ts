import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelAbout } from '../../domain/registry.ts';
import { constantModel } from '../training/program/scripts.ts';
import { checkout, writeProject } from './project.ts';

/** What an author says, with everything that could break out of a page, a table or a list. */
export const about: ModelAbout = {
  intendedUse: 'Warns <script>alert("1")</script> staff | of *late* flights',
  outOfScope: 'Fines & refunds',
  limitations: ['Learned from | one month', '# No [winter](http://127.0.0.1/x)\n\n- nor `snow`'],
  owner: 'Ground | staff',
  ethicalConsiderations: ['Small airports & <b>few</b> flights'],
  license: 'Apache-2.0',
};

/** `trainer` of the pipeline: the built-in one, or a program that leaves artifacts beside its model. */
export type PunctualInput = { readonly data: string; readonly trainer: 'dense' | 'program'; readonly epochs: number };

const pipeline = `import { auc, brier, denseNet, evaluate, fairness, program, promote, snapshot, split, train } from 'perdura/steps';
import { late } from './schema.ts';

export async function punctual({ data, trainer, epochs }) {
  const flights = await snapshot({ dataset: 'flights', from: data });
  const { training, holdout } = await split(flights, { byTime: 'date', holdout: 0.2 });
  const challenger = await train({
    model: 'punctual', data: training, features: 'punctual', target: late, seed: 7,
    trainer: trainer === 'dense'
      ? denseNet({ hidden: [8], epochs, batchSize: 512, learningRate: 0.003 })
      : program({ command: ['python3', 'constant.py'], params: { answer: 0.2, named: { list: [1, 2] } } }),
    about: ${JSON.stringify(about)},
  });
  const offline = await evaluate(challenger, { on: holdout, against: 'champion', guardrails: [
    auc.atLeast(0.5),
    brier.atMost(0.9, { by: 'origin', poolBelow: 60, ...(trainer === 'dense' ? {} : { minimum: 100 }) }),
    auc.nonInferiorBy(0.9),
    fairness.demographicParityDifference({ by: 'origin', poolBelow: 100, atMost: 0.5, threshold: 0.2 }),
  ] });
  return trainer === 'dense' ? promote(challenger, offline) : { outcome: 'kept', reason: offline.reason };
}
`;

const features = `export const record = { distance: 'number', date: 'timestamp', origin: 'string' };

export function features({ distance, date, origin }) {
  return { distance, hour: new Date(date).getUTCHours(), origin };
}
`;

/** A trainer that answers the same to everything, reports its metrics out of order and leaves two files of one name. */
const constant = `import json, os, shutil
job = json.load(open(os.environ["PERDURA_JOB"]))
for step in (1, 2, 3):
    print(json.dumps({"perdura": "metric", "name": "val//loss", "step": step, "value": 1 / step}), flush=True)
print(json.dumps({"perdura": "metric", "name": "val//loss", "step": 2, "value": 0.25}), flush=True)
shutil.copy("constant.onnx" if os.path.exists("constant.onnx") else os.path.join(os.path.dirname(os.path.abspath(__file__)), "constant.onnx"), os.path.join(job["output"], "model.onnx"))
rows = min(1000, job["data"]["rows"])
json.dump([[job["params"]["answer"]]] * rows, open(os.path.join(job["output"], "check-predictions.json"), "w"))
for part in ("a", "b"):
    os.makedirs(os.path.join(job["output"], "artifacts", part), exist_ok=True)
    open(os.path.join(job["output"], "artifacts", part, "note.txt"), "w").write("from " + part)
`;

/** Writes a project whose one pipeline trains a model with a card that says something in every field. */
export async function writeCardProject(folder: string): Promise<void> {
  await writeProject(folder, { punctual: { 'pipeline.ts': pipeline, 'features.ts': features } });
  for (const file of ['airports.ts', 'schema.ts'])
    await cp(join(checkout, 'pipelines/flights', file), join(folder, 'pipelines/punctual', file));
  await writeFile(join(folder, 'constant.py'), constant);
  await writeFile(join(folder, 'constant.onnx'), constantModel({ output: 'probability', answers: [0.2] }));
  const prices = { currency: 'EUR', cpuHour: 0.04, gpuHour: {} };
  await writeFile(join(folder, 'prices.json'), JSON.stringify(prices));
}
