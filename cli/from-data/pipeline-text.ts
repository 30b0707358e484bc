import type { Learned, LearningPlan } from './plan.ts';
import { quoted } from '../schema-text.ts';
import { pipelineFunction } from '../../project/load.ts';
import { numberText, property } from './words.ts';

/** pipeline.ts: from the data to the first release, and later ones against the champion under live traffic. */
export function pipelineText(plan: LearningPlan): string {
  const { pipeline, target, split, dialect, baseline } = plan;
  const name = quoted(pipeline);
  const from = `from: input.data ?? 'newest'`;
  const read = dialect === null ? '' : `, dialect: { ${Object.entries(dialect).map(dialectPart).join(', ')} }`;
  const cut = split.kind === 'time' ? `byTime: ${quoted(split.column)}` : `byChance: { seed: ${split.seed} }`;
  return `import {
${imported(baseline.metric)
  .map((each) => `  ${each},`)
  .join('\n')}
} from 'perdura/steps';
import type { ReleaseOutcome, Target } from 'perdura/steps';
import { schema } from './schema.ts';

/** What is learned of data/${plan.dataFile}. */
${targetText(target)}

/** Trains a model of '${target.name}' on the newest data and makes it the champion if it holds up. */
export async function ${pipelineFunction(pipeline)}(input: { readonly data?: string }): Promise<ReleaseOutcome> {
  const data = await snapshot({ dataset: ${name}, ${from}${read} });
  const { accepted } = await validate(data, schema);

  const { training, holdout } = await split(accepted, { ${cut}, holdout: ${split.holdout} });
  const challenger = await train({
    model: ${name},
    data: training,
    features: ${name},
    target,
    trainer: ${trainerText(plan)},
    seed: 7,
  });

  const offline = await evaluate(challenger, {
    on: holdout,
    against: 'champion',
    // ${sentence(baseline.told)} reaches ${numberText(baseline.value)}.
    guardrails: [${guardrails(plan)}],
  });
${releaseText(name)}`;
}

/** What follows the evaluation: the first release at once, later ones through live traffic. `name` is quoted. */
function releaseText(name: string): string {
  return `  if (offline.outcome !== 'pass') return reject(challenger, offline);
  // The first release: there is no champion yet, and no live traffic to compare in.
  if (offline.champion === null) return promote(challenger, offline);

  const mirrored = await shadow(challenger, { endpoint: ${name}, requests: 200, atMost: '10 minutes' });
  if (mirrored.outcome !== 'pass') return reject(challenger, mirrored);

  const ramped = await canary(challenger, {
    endpoint: ${name},
    weights: [5, 50, 100],
    requests: 50,
    atMost: '30 minutes',
    guardrails: [errors.notMoreThanChampion()],
  });
  return ramped.outcome === 'pass' ? promote(challenger, ramped) : reject(challenger, ramped);
}
`;
}

function imported(metric: string): readonly string[] {
  const steps = [
    'canary',
    'denseNet',
    'errors',
    'evaluate',
    'promote',
    'reject',
    'shadow',
    'snapshot',
    'split',
    'train',
  ];
  return [...steps, 'validate', metric].toSorted();
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function targetText({ name, task, sql }: Learned): string {
  const fields = [`name: ${quoted(name)}`, `task: '${task}'`, `sql: ${sqlText(sql)}`];
  const line = `const target: Target = { ${fields.join(', ')} };`;
  return line.length <= 120 ? line : `const target: Target = {\n${fields.map((field) => `  ${field},`).join('\n')}\n};`;
}

/** A template literal would read badly, and a quote in SQL needs the other kind of quotes. */
function sqlText(sql: string): string {
  return sql.includes("'") && !/["\\\n]/.test(sql) ? `"${sql}"` : quoted(sql);
}

function dialectPart([name, value]: readonly [string, unknown]): string {
  const text = Array.isArray(value)
    ? `[${value.map((each) => quoted(String(each))).join(', ')}]`
    : quoted(String(value));
  return `${property(name)}: ${text}`;
}

/** Shown better than the plain answer, at an error of five in a hundred; and not shown worse than the champion by a little. */
function guardrails({ baseline }: LearningPlan): string {
  const { metric, value } = baseline;
  const limit = numberText(value);
  switch (metric) {
    case 'auc':
      return `auc.atLeast(${limit}, { alpha: 0.05 }), auc.nonInferiorBy(0.02)`;
    case 'accuracy':
      return `accuracy.atLeast(${limit}, { alpha: 0.05 }), accuracy.nonInferiorBy(0.03)`;
    case 'logLoss':
    case 'rmse': {
      const margin = numberText(Number((value / 20).toPrecision(2)));
      return `${metric}.atMost(${limit}, { alpha: 0.05 }), ${metric}.nonInferiorBy(${margin})`;
    }
    default:
      return metric satisfies never;
  }
}

/** Some thousand steps of the optimiser, whatever the number of rows; early stopping keeps the best of them. */
function trainerText({ statistics: { rows }, fields }: LearningPlan): string {
  const [batchSize, epochs] =
    rows < 1_000
      ? [16, 120]
      : rows < 5_000
        ? [32, 60]
        : rows < 50_000
          ? [128, 30]
          : rows < 500_000
            ? [512, 12]
            : [1024, 4];
  const hidden = rows < 1_000 ? '[16]' : '[32, 16]';
  const embedding = fields.some(
    ({ use }) => use.kind === 'category' || (use.kind === 'time' && use.parts.includes('weekday')),
  );
  return `denseNet({
      hidden: ${hidden},
      epochs: ${epochs},
      batchSize: ${batchSize},
      learningRate: 0.005${embedding ? ',\n      embedding: 4' : ''},
      earlyStopping: { share: 0.15, patience: ${Math.max(2, Math.ceil(epochs / 6))} },
    })`;
}
