import { quoted, schemaText } from '../schema-text.ts';
import { featuresText, missingOf } from './features-text.ts';
import { pipelineText } from './pipeline-text.ts';
import type { Field, LearningPlan, RecordValue } from './plan.ts';
import { readmeText } from './readme-text.ts';
import { property, valueText } from './words.ts';

/** The files of a project that learns from a person's own data, by their paths; the data itself is not among them. */
export function projectFiles(name: string, plan: LearningPlan): Readonly<Record<string, string>> {
  const { pipeline, dataFile, statistics, expectations } = plan;
  const folder = `pipelines/${pipeline}`;
  return {
    'README.md': readmeText(name, plan),
    [`${folder}/schema.ts`]: schemaText({ dataset: pipeline, source: dataFile, statistics, expectations }),
    [`${folder}/features.ts`]: featuresText(plan),
    [`${folder}/pipeline.ts`]: pipelineText(plan),
    [`${folder}/parameters.ts`]: `/** What \`perdura run ${pipeline}\` takes; anything else is refused. */
export const parameters = { data: "'newest' (the default), or the key of an arrived file" };
`,
    [`${folder}/schedule.ts`]: `/** At six in the morning of the first of each month, UTC; \`perdura dev\` keeps it. */
export const schedule = { cron: '0 6 1 * *', input: { data: 'newest' } };
`,
    [`test/${pipeline}.test.ts`]: testText(plan),
  };
}

function testText(plan: LearningPlan): string {
  const { pipeline, dataFile, fields } = plan;
  const missing = missingOf(plan);
  const rows = fields.map(
    (field) => `  ${property(field.column)}: ${sampleText(field, plan.example[field.column] ?? null)},`,
  );
  return `import { features, record } from '../pipelines/${pipeline}/features.ts';
import { schema } from '../pipelines/${pipeline}/schema.ts';

/** A row of data/${dataFile}. */
const row = {
${rows.join('\n')}
};

test('a row of the data gives finite numbers and texts', () => {
  const values = Object.values(features(row));
  expect(values.length).toBeGreaterThan(0);
  expect(values.filter((value) => typeof value !== 'string' && !Number.isFinite(value))).toEqual([]);
});

test('every field of a record is a column that the schema knows', () => {
  const columns = schema.expectations.flatMap((each) => ('column' in each ? [each.column] : []));
  expect(columns).toEqual(expect.arrayContaining(Object.keys(record)));
});
${
  missing === null
    ? ''
    : `
test(${quoted(`a missing ${missing.column} is filled in, and told`)}, () => {
  expect(features({ ...row, ${property(missing.column)}: null })).toMatchObject(${missing.expected});
});
`
}`;
}

function sampleText({ type }: Field, value: RecordValue): string {
  return type === 'timestamp' && typeof value === 'string' ? `Date.parse(${quoted(value)})` : valueText(value);
}
