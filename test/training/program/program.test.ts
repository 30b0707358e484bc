import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openTables, literal } from '../../../stores/tables.ts';
import { constantModel, openProgramPlace, type ProgramPlace, trainHeard } from './scripts.ts';

let place: ProgramPlace;
beforeAll(async () => {
  place = await openProgramPlace();
});
afterAll(() => place.remove());

test('a program gets its data by contract, and its model becomes a package with everything that was heard', async () => {
  const job = await place.job(
    'good',
    `
json.dump({"job": job, "env": sorted(os.environ), "cwd": os.listdir("."), "sid": os.getsid(0) == os.getpid()}, open(params["saw"], "w"))
say(perdura="metric", name="auc", step=3, value=0.81)
open(os.path.join(job["checkpoints"], "three"), "w").write("state")
say(perdura="checkpoint", step=3, file="three")
say(perdura="progress", text="nearly done")
print("hello", file=sys.stderr)
os.makedirs(os.path.join(job["output"], "artifacts", "plots"))
open(os.path.join(job["output"], "artifacts", "plots", "a.txt"), "w").write("plot")
finish()
`,
    { params: { saw: join(place.folder, 'saw.json'), rounds: 3 } },
  );
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'not for programs';
  const { result, heard } = await trainHeard(job);

  expect(heard).toEqual(
    expect.arrayContaining(['auc 3 0.81', `checkpoint 3 ${join(job.checkpointFolder, 'three')}`, 'nearly done']),
  );
  expect(result.rows).toEqual({ trained: 3_000, skipped: 0 });
  expect(result.signature).toMatchObject({ numbers: ['age', 'income'], categories: ['city'] });
  expect(result.summary).toBe('auc 0.8100 after step 3');
  expect(result.artifacts.map(({ name }) => name)).toEqual(['plots/a.txt', 'trainer.log']);
  expect(await readFile(result.artifacts[1]?.path ?? '', 'utf8')).toBe('hello\n');
  expect(result.usage.peakMemoryMiB).toBeGreaterThan(0);
  const profile = JSON.parse(await readFile(result.files['profile.json'], 'utf8'));
  expect(profile).toMatchObject({ rows: 3_000, labelShare: 0.2, features: { city: { kind: 'category' } } });
  expect(profile.features.age.counts.reduce((sum: number, count: number) => sum + count)).toBe(3_000);
  const saw = JSON.parse(await readFile(join(place.folder, 'saw.json'), 'utf8'));
  expect(saw.job).toMatchObject({ version: 1, task: 'binary', classes: null, seed: 7, resume: null, devices: [] });
  expect(saw.job.data).toMatchObject({ rows: 3_000, numbers: ['age', 'income'], label: 'perdura_label' });
  expect(saw).toMatchObject({ cwd: [], sid: true });
  expect(saw.env.filter((name: string) => !name.startsWith('PYTHON') && !name.startsWith('LC_'))).toEqual(
    expect.arrayContaining(['PERDURA_JOB', 'PATH', 'TMPDIR']),
  );
  expect(saw.env.filter((name: string) => name.startsWith('AWS_'))).toEqual([]);
  expect(await place.leftovers(job)).toEqual(['package']);
});

test.each([
  ['binary', 'bought', 'BOOLEAN', null],
  ['multiclass', 'kind', 'VARCHAR', ['kind 0', 'kind 1', 'kind 2']],
  ['regression', 'age / 2', 'DOUBLE', null],
] as const)(
  'the data file of a %s target has its label and features in the order of the data',
  async (task, sql, type, classes) => {
    const copy = join(place.folder, `${task}.parquet`);
    const job = await place.job(
      `data-${task}`,
      `
shutil.copy(job["data"]["training"], params["copy"])
shutil.copy(job["data"]["check"], params["copy"] + ".check")
json.dump(job["classes"], open(params["copy"] + ".classes", "w"))
sys.exit(3)
`,
      { params: { copy }, job: { target: { name: 'label', task, sql }, where: 'id >= 100' } },
    );
    await expect(trainHeard(job)).rejects.toMatchObject({ code: 'TRAINING_FAILED' });
    const tables = await openTables();
    const columns = await tables.all(`DESCRIBE SELECT * FROM read_parquet(${literal(copy)})`);
    const unlike = await tables.all(
      `SELECT count(*) AS n FROM (SELECT row_number() OVER () AS i, * FROM read_parquet(${literal(copy)})) a
     JOIN (SELECT row_number() OVER () AS i, * FROM read_parquet(${literal(place.data)}) WHERE id >= 100) b USING (i)
     WHERE a.age <> b.age OR a.income <> b.income OR a.city <> b.city OR a.perdura_label <> (${sql.replace('age', 'b.age')})`,
    );
    const check = await tables.all(
      `SELECT count(*) AS n, min(age) AS first FROM read_parquet(${literal(`${copy}.check`)})`,
    );
    tables.close();
    expect(columns.map((column) => [column['column_name'], column['column_type']])).toEqual([
      ['age', 'FLOAT'],
      ['income', 'FLOAT'],
      ['city', 'VARCHAR'],
      ['perdura_label', type],
    ]);
    expect(unlike).toEqual([{ n: 0 }]);
    expect(check).toMatchObject([{ n: 1_000 }]);
    expect(JSON.parse(await readFile(`${copy}.classes`, 'utf8'))).toEqual(classes);
  },
);

test('a feature function that computes gives the same file as one that passes columns on', async () => {
  const script = `
shutil.copy(job["data"]["training"], params["copy"])
sys.exit(3)
`;
  const computing = join(place.folder, 'computing.mjs');
  await writeFile(
    computing,
    `export const record = { age: 'number', income: 'number', city: 'string' };
     export function features(row) { const all = { age: row.age, income: row.income, city: row.city }; return all; }`,
  );
  const [slow, fast] = [join(place.folder, 'slow.parquet'), join(place.folder, 'fast.parquet')];
  const slowJob = await place.job('slow', script, { params: { copy: slow }, job: { featuresFile: computing } });
  const fastJob = await place.job('fast', script, { params: { copy: fast } });
  await expect(trainHeard(slowJob)).rejects.toMatchObject({ code: 'TRAINING_FAILED' });
  await expect(trainHeard(fastJob)).rejects.toMatchObject({ code: 'TRAINING_FAILED' });
  const tables = await openTables();
  const [row] = await tables.all(
    `SELECT (SELECT md5(string_agg(t::VARCHAR, ';')) FROM read_parquet(${literal(slow)}) t) = (SELECT md5(string_agg(t::VARCHAR, ';')) FROM read_parquet(${literal(fast)}) t) AS equal`,
  );
  tables.close();
  expect(row).toEqual({ equal: true });
});

test('a model of several classes is checked row by row over all its columns', async () => {
  const model = join(place.folder, 'thirds.onnx');
  await writeFile(model, constantModel({ output: 'probabilities', answers: [0.25, 0.25, 0.25] }));
  const target = { name: 'kind', task: 'multiclass', sql: 'kind' } as const;
  const job = await place.job('classes', 'finish()', { params: { model }, job: { target } });
  const { result } = await trainHeard(job);
  expect(result.signature.classes).toEqual(['kind 0', 'kind 1', 'kind 2']);
  const profile = JSON.parse(await readFile(result.files['profile.json'], 'utf8'));
  expect(profile.prediction).toMatchObject({ edges: [0.5, 1.5], counts: [3_000, 0, 0] });
});

test('what is allowed to differ in a regression grows with the largest answer', async () => {
  const model = join(place.folder, 'thousand.onnx');
  await writeFile(model, constantModel({ output: 'prediction', answers: [1_000] }));
  const target = { name: 'age', task: 'regression', sql: 'age' } as const;
  const near = await place.job('near', 'finish(1000.05)', { params: { model }, job: { target } });
  const far = await place.job('far', 'finish(1000.2)', { params: { model }, job: { target } });
  expect((await trainHeard(near)).result.rows.trained).toBe(3_000);
  await expect(trainHeard(far)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
});

test('a function of activities.ts trains by the same contract', async () => {
  const activitiesFile = join(place.folder, 'activities.mjs');
  await writeFile(
    activitiesFile,
    `import { copyFileSync, writeFileSync } from 'node:fs';
     export async function trainRules(job, report) {
       report.progress('begun'); report.metric('loss', 1, 0.5);
       writeFileSync(job.checkpoints + '/one', 'state'); report.checkpoint(1, 'one');
       copyFileSync(job.params.model, job.output + '/model.onnx');
       writeFileSync(job.output + '/check-predictions.json', JSON.stringify(Array.from({ length: 1000 }, () => [0.25])));
     }
     export async function breaks() { throw new Error('no rules found'); }`,
  );
  const job = await place.job('activity', '');
  if (job.trainer.kind !== 'program' || job.program === null) throw new Error('a program job');
  const { command: _command, environment: _environment, ...shared } = job.trainer;
  const activity = (name: string) => ({
    ...job,
    trainer: { ...shared, kind: 'activity' as const, name },
    program: job.program === null ? null : { ...job.program, activitiesFile },
  });
  const { result, heard } = await trainHeard(activity('trainRules'));
  expect(heard).toEqual(
    expect.arrayContaining(['begun', 'loss 1 0.5', `checkpoint 1 ${join(job.checkpointFolder, 'one')}`]),
  );
  expect(result.summary).toBe('loss 0.5000 after step 1');
  await expect(trainHeard(activity('breaks'))).rejects.toThrow('no rules found');
  await expect(trainHeard(activity('absent'))).rejects.toThrow(
    "exports no function 'absent'. It exports: breaks, trainRules.",
  );
});

test('a checkpoint to go on from is handed on', async () => {
  const file = join(place.folder, 'state');
  await writeFile(file, 'state of step 2');
  const job = await place.job('resume', 'say(perdura="progress", text=open(job["resume"]["file"]).read())\nfinish()', {
    job: { resume: { step: 2, file } },
  });
  expect((await trainHeard(job)).heard).toContain('state of step 2');
});
