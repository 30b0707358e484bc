import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkInput } from '../../cli/parameters.ts';
import { readSchedule } from '../../cli/schedules.ts';
import type { PipelineSource } from '../../project/load.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-parameters-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function pipeline(files: Readonly<Record<string, string>>): Promise<PipelineSource> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const optional = (name: string) => (name in files ? join(folder, name) : null);
  return {
    name: 'churn',
    functionName: 'churn',
    folder,
    pipelineFile: join(folder, 'pipeline.ts'),
    featuresFile: null,
    activitiesFile: null,
    scheduleFile: optional('schedule.ts'),
    parametersFile: optional('parameters.ts'),
  };
}

const parameters = `export const parameters = { data: 'Which data.', epochs: 'How often.' };`;
const check = async (text: string, input: Readonly<Record<string, unknown>>) =>
  checkInput(await pipeline({ 'parameters.ts': text }), input, join(folder, 'build'));

test('an input of known parameters is taken, also when some are left out', async () => {
  await expect(check(parameters, { data: 'newest' })).resolves.toBeUndefined();
  await expect(check(parameters, {})).resolves.toBeUndefined();
});

test('an unknown parameter is wrong usage, with the nearest name and the list with its sentences', async () => {
  await expect(check(parameters, { dta: 'old.csv' })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    details: { usage: true },
    message: `Pipeline 'churn' has no parameter 'dta'. Did you mean 'data'? It takes:\n  data    Which data.\n  epochs  How often.`,
  });
});

test('every unknown parameter is named at once', async () => {
  await expect(check(parameters, { data: 1, epcohs: 2, zzzzzzzz: 3 })).rejects.toThrow(
    /no parameter 'epcohs'\. Did you mean 'epochs'\?.*no parameter 'zzzzzzzz'\. It takes:/s,
  );
});

test.each(['constructor', '__proto__', 'toString'])('%s is a name like any other', async (name) => {
  await expect(check(parameters, { [name]: 1 })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});

test('a pipeline that tells no parameters takes anything; one whose list is empty takes none', async () => {
  await expect(checkInput(await pipeline({}), { dta: 1 }, join(folder, 'build'))).resolves.toBeUndefined();
  await expect(check('export const parameters = {};', { dta: 1 })).rejects.toThrow('It takes none.');
});

test.each([
  'export const params = {};',
  "export const parameters = ['data'];",
  "export const parameters = { data: '' };",
])('%s is refused with the file', async (text) => {
  await expect(check(text, {})).rejects.toMatchObject({
    code: 'PROJECT_INVALID',
    details: { file: join(folder, 'parameters.ts') },
  });
});

test('a schedule whose input the pipeline does not take is refused when it is read', async () => {
  const schedule = "export const schedule = { every: '1 day', input: { dta: 'newest' } };";
  const source = await pipeline({ 'parameters.ts': parameters, 'schedule.ts': schedule });
  await expect(readSchedule(source, join(folder, 'build'))).rejects.toMatchObject({
    code: 'PROJECT_INVALID',
    details: { file: source.scheduleFile },
    message: expect.stringContaining("no parameter 'dta'. Did you mean 'data'?"),
  });
});
