import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSchedule } from '../../cli/schedules.ts';
import type { PipelineSource } from '../../project/load.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-schedule-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function pipeline(text: string): Promise<PipelineSource> {
  const scheduleFile = join(folder, 'schedule.ts');
  await writeFile(scheduleFile, text);
  return {
    name: 'churn',
    functionName: 'churn',
    folder,
    pipelineFile: join(folder, 'pipeline.ts'),
    featuresFile: null,
    activitiesFile: null,
    scheduleFile,
    parametersFile: null,
  };
}

test.each([
  ["{ cron: '0 6 1 * *', input: { data: 'newest' } }", { cron: '0 6 1 * *', input: { data: 'newest' } }],
  ["{ every: '30 minutes' }", { every: '30 minutes' }],
])('schedule = %s is read', async (text, expected) => {
  const source = await pipeline(`export const schedule = ${text};`);
  expect(await readSchedule(source, join(folder, 'build'))).toEqual(expected);
});

test.each(["{ every: '30 min' }", "{ cron: 'daily' }", "{ cron: '0 6 1 * *', every: '1 day' }", '{}'])(
  'schedule = %s is refused with the file',
  async (text) => {
    const source = await pipeline(`export const schedule = ${text};`);
    await expect(readSchedule(source, join(folder, 'build'))).rejects.toMatchObject({
      code: 'PROJECT_INVALID',
      details: { file: source.scheduleFile },
    });
  },
);

test('a schedule.ts that exports another name is refused', async () => {
  const source = await pipeline('export const scedule = {};');
  await expect(readSchedule(source, join(folder, 'build'))).rejects.toMatchObject({ code: 'PROJECT_INVALID' });
});
