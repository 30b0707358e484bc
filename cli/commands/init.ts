import type { Task } from '../../domain/target.ts';
import type { Context } from '../context.ts';
import { type DialectOptions, dialectOf } from '../dialect.ts';
import { usageError } from '../errors.ts';
import { featureNamesOf } from '../from-data/features-text.ts';
import type { LearningPlan } from '../from-data/plan.ts';
import { shellWord } from '../from-data/readme-text.ts';
import { counted } from '../from-data/words.ts';
import { table } from '../output.ts';
import { projectFromData } from '../project-from-data.ts';
import { type MadeProject, writeProject } from '../project-template.ts';

export type InitOptions = DialectOptions & {
  readonly perdura?: string;
  readonly data?: string;
  readonly target?: string;
  readonly task?: Task;
  readonly name?: string;
  readonly keep?: readonly string[];
};

/** `perdura init`: writes a small project that runs, of a sample or of a person's own data. */
export async function init({ output, folder }: Context, target: string, options: InitOptions): Promise<number> {
  const request = { folder, target, perdura: options.perdura ?? null };
  const { data, target: learn } = options;
  if (data === undefined || learn === undefined) {
    requireBoth(options);
    const made = await writeProject(request, null);
    output.answer(made, () => [found(made), '', ...commands(target, 'churn', 'churn.csv')].join('\n'));
    return 0;
  }
  output.progress(`Looking at ${data}`);
  const { made, plan } = await projectFromData({
    ...request,
    data,
    learn,
    task: options.task ?? null,
    name: options.name ?? null,
    keep: options.keep ?? [],
    dialect: dialectOf(options),
  });
  output.answer({ ...made, ...facts(plan) }, () =>
    [found(made), '', summary(plan), '', ...commands(target, plan.pipeline, plan.dataFile)].join('\n'),
  );
  return 0;
}

/** An option that would be without effect was meant to have one. */
function requireBoth(options: InitOptions): void {
  const given = Object.keys(options).find((name) => name !== 'perdura');
  if (given === undefined) return;
  throw usageError(
    'INPUT_INVALID',
    `--${given} needs ${options.data === undefined ? '--data, the file to learn from' : '--target, the column that is to be predicted'}${options.data === undefined && options.target === undefined ? ', and --target' : ''}.`,
  );
}

const found = ({ name, folder }: MadeProject): string => `Project '${name}' is in ${folder}.`;

function commands(target: string, pipeline: string, dataFile: string): readonly string[] {
  return [
    `  cd ${shellWord(target)}`,
    '  npm install',
    '  npm test',
    '  npx perdura dev            in one terminal; in another:',
    `  npx perdura data add ${pipeline} ${shellWord(`data/${dataFile}`)}`,
    `  npx perdura run ${pipeline}`,
  ];
}

/** What a program is told of the plan. */
function facts(plan: LearningPlan): object {
  const { pipeline, target, split, baseline, leftOut } = plan;
  return { pipeline, target, split, baseline, features: featureNamesOf(plan), leftOut };
}

function summary(plan: LearningPlan): string {
  const { target, split, baseline, leftOut, statistics } = plan;
  const columns = Object.keys(statistics.columns).length;
  const lines = [
    `  data      ${plan.dataFile}: ${counted(statistics.rows, 'row')}, ${counted(columns, 'column')}`,
    `  target    ${target.name}, ${target.task}: ${target.why}`,
    `  split     ${split.why}`,
    `  guardrail ${baseline.metric} better than ${baseline.value.toLocaleString('en-US', { maximumSignificantDigits: 3 })}, which ${baseline.told} reaches`,
    `  features  ${featureNamesOf(plan).join(', ')}`,
  ];
  if (leftOut.length === 0) return lines.join('\n');
  const rows = leftOut.map((each) => [each.column, each.why, each.keepable ? `--keep ${shellWord(each.column)}` : '']);
  return [...lines, '', table(['LEFT OUT', 'WHY', 'UNLESS'], rows)].join('\n');
}
