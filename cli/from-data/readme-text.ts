import { featureNamesOf } from './features-text.ts';
import type { LearningPlan } from './plan.ts';
import { counted } from './words.ts';

/** README.md: what was found in the data, and the next commands. */
export function readmeText(name: string, plan: LearningPlan): string {
  const { pipeline } = plan;
  const record = JSON.stringify({ record: plan.example }).replaceAll("'", "'\\''");
  return `# ${name}

Models as code with [Perdura](https://www.npmjs.com/package/perdura): a pipeline is a plain function in \`pipelines/<name>/pipeline.ts\`.

\`\`\`
${commands(plan)}
\`\`\`

The first start downloads or builds the two servers that Perdura needs, Temporal and S3; \`npx perdura doctor\` says what is missing.

\`npx perdura dev\` starts both servers, a worker and a model server, keeps the schedules, and stays up. Then a prediction is

\`\`\`
curl -s -X POST <model server>/endpoints/${pipeline}/predict -H 'content-type: application/json' \\
  -d '${record}'
\`\`\`

${findingsText(plan)}
${filesText(pipeline)}`;
}

function findingsText({ dataFile, target, split, leftOut, statistics, baseline, fields }: LearningPlan): string {
  const columns = Object.keys(statistics.columns).length;
  const left = leftOut.map(({ column, why }) => `| ${cell(column)} | ${cell(why)} |`);
  return `## What was found in ${dataFile}

${counted(statistics.rows, 'row')}, ${counted(columns, 'column')}. All of this is a proposal: read it, and change the files.

- **Target** \`${target.name}\`, ${target.task}: ${target.why}.
- **Split**: ${split.why}.
- **Guardrail**: on the hold-out ${baseline.metric} must be shown better than ${baseline.value}, which ${baseline.told} reaches.
- **Features**: ${featureNamesOf({ fields })
    .map((each) => `\`${each}\``)
    .join(', ')}.
${left.length === 0 ? '' : `\nLeft out:\n\n| column | why |\n| --- | --- |\n${left.join('\n')}\n`}`;
}

function filesText(pipeline: string): string {
  return `| file | what |
| --- | --- |
| \`pipelines/${pipeline}/pipeline.ts\` | the pipeline and what is learned: \`await\` is a step, \`if\` is a branch, \`return\` is the end |
| \`pipelines/${pipeline}/features.ts\` | one record in, features out; the same code in training and in the model server |
| \`pipelines/${pipeline}/schema.ts\` | what the data must look like |
| \`pipelines/${pipeline}/parameters.ts\` | what it can be called with: \`npx perdura run ${pipeline} --param data=<key>\` |
| \`pipelines/${pipeline}/schedule.ts\` | when it runs by itself |
| \`.perdura/\` | state of the servers, caches, logs; not for git |
`;
}

function commands({ pipeline, dataFile }: LearningPlan): string {
  const lines = [
    ['npm install', ''],
    ['npm test', 'features and schema; needs no service'],
    [`npx perdura data add ${pipeline} ${shellWord(`data/${dataFile}`)}`, 'puts the data into the bucket'],
    [`npx perdura run ${pipeline}`, 'gate, train, evaluate, first release'],
    [`npx perdura show ${pipeline}`, 'what the run did and why'],
    ['npx perdura models', ''],
  ] as const;
  const width = Math.max(...lines.map(([command]) => command.length)) + 4;
  return lines.map(([command, why]) => (why === '' ? command : `${command.padEnd(width)}# ${why}`)).join('\n');
}

const cell = (text: string): string => text.replaceAll(/[\r\n]+/g, ' ').replaceAll('|', '\\|');

/** A path as a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
