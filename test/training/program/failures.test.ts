import { fork } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingJob } from '../../../training/train.ts';
import { endOrphans } from '../../../training/program/attempt-processes.ts';
import { eventually, lives } from '../flights.ts';
import { openProgramPlace, pidsIn, type ProgramPlace, trainHeard } from './scripts.ts';

let place: ProgramPlace;
beforeAll(async () => {
  place = await openProgramPlace();
});
afterAll(() => place.remove());

/** How a training failed, and what it left where its output would be. */
async function refusal(job: TrainingJob): Promise<unknown> {
  const failure = await trainHeard(job).then(
    () => ({ code: 'none', message: 'it was accepted' }),
    (error: unknown) => error as { code: string; message: string },
  );
  return { code: failure.code, message: failure.message, left: await place.leftovers(job) };
}

/** With that code and those words, and nothing left. */
function refused(code: string, words: RegExp): unknown {
  return { code, message: expect.stringMatching(words), left: [] };
}

test('a program that prints garbage without an end fails with its last lines', async () => {
  const job = await place.job(
    'garbage',
    `
os.write(1, b"\\xff\\x00{\\"perdura\\": 3}\\n" + b"x" * 5_000_000 + b"\\n{\\"perdura\\":\\"metric\\"}\\n{{{\\n")
say(perdura="metric", name="loss", step=1, value=float("nan"))
print("the end of it", file=sys.stderr)
sys.exit(1)
`,
  );
  expect(await refusal(job)).toEqual(refused('TRAINING_FAILED', /exit code 1.*the end of it/s));
});

test('a report that does not hold up is told once, and the training goes on', async () => {
  const job = await place.job(
    'malformed',
    'for i in range(50): say(perdura="metric", name="loss", step=i, value=float("nan"))\nfinish()',
  );
  const { heard } = await trainHeard(job);
  expect(heard.filter((line) => line.includes('was not understood'))).toHaveLength(1);
});

test('a program that ends well without a model fails', async () => {
  expect(await refusal(await place.job('nothing', 'print("all good")'))).toEqual(
    refused('TRAINING_FAILED', /wrote no model\.onnx.*all good/s),
  );
});

test('a model that is cut off is refused', async () => {
  const job = await place.job('cut', 'finish()\nos.truncate(os.path.join(job["output"], "model.onnx"), 120)');
  expect(await refusal(job)).toEqual(refused('MODEL_INVALID', /model\.onnx/));
});

test('a model of 3 GiB is refused before it is loaded', async () => {
  const job = await place.job('huge', 'finish()\nos.truncate(os.path.join(job["output"], "model.onnx"), 3 * 2**30)');
  expect(await refusal(job)).toEqual(refused('MODEL_INVALID', /3221225472 bytes.*2 GiB/s));
});

test('a link in the place of a model is refused', async () => {
  const job = await place.job(
    'link',
    'finish()\np = os.path.join(job["output"], "model.onnx")\nos.remove(p)\nos.symlink(params["model"], p)',
  );
  expect(await refusal(job)).toEqual(refused('MODEL_INVALID', /no regular file/));
});

test.each([
  ['other answers', 'finish(0.3)', /gives 0.25 for row 0 where the trainer gives 0.3/],
  ['NaN', 'finish(float("nan"))', /check-predictions\.json is no JSON/],
  ['too few rows', 'job["data"]["rows"] = 10\nfinish()', /1000 values where the trainer gives 10/],
  [
    'no answers',
    'finish()\nos.remove(os.path.join(job["output"], "check-predictions.json"))',
    /no check-predictions\.json/,
  ],
  [
    'rows that are no rows',
    'finish()\njson.dump([0.25] * 1000, open(os.path.join(job["output"], "check-predictions.json"), "w"))',
    /row 0 .* no array of 1 number/,
  ],
])('a model is refused for %s', async (name, script, words) => {
  expect(await refusal(await place.job(name.replaceAll(' ', '-'), script))).toEqual(refused('MODEL_INVALID', words));
});

test('an exit code of the table is its error, with what was said last', async () => {
  expect(await refusal(await place.job('exit', 'print("because", file=sys.stderr)\nsys.exit(75)'))).toEqual(
    refused('TRAINING_INTERRUPTED', /because/),
  );
});

test('a program that cannot be found fails with what to correct', async () => {
  const job = await place.job('absent', '', { trainer: { command: ['no-such-program-here'] } });
  expect(await refusal(job)).toEqual(refused('TRAINING_FAILED', /could not be started.*no-such-program-here/s));
});

test('a program that is silent is ended, also when it ignores SIGTERM', async () => {
  const job = await place.job(
    'silent',
    'signal.signal(signal.SIGTERM, signal.SIG_IGN)\nopen(params["pids"], "w").write(str(os.getpid()))\nwhile True: print("talk is no report", flush=True); time.sleep(0.1)',
    { params: { pids: join(place.folder, 'silent.pids') }, trainer: { silentForMs: 1_000 } },
  );
  expect(await refusal(job)).toEqual(refused('TRAINING_FAILED', /reported nothing for \d+ seconds, and 1 are allowed/));
  for (const pid of await pidsIn(join(place.folder, 'silent.pids'))) expect(lives(pid)).toBe(false);
});

/** A child of its own group, a daemon that forked twice and cleared nothing, one that left group and environment while its parent lives. */
const leaving = `
pids = [os.getpid()]
def born(*command, **options): pids.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, **options).pid)
born("sleep", "300")
born("sleep", "300", start_new_session=True)
born("sleep", "300", start_new_session=True, env={"PATH": os.environ["PATH"]})
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() > 0: os._exit(0)
    os.chdir("/")
    os.write(write, str(os.getpid()).encode())
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.dup2(os.open("/dev/null", os.O_RDWR), 1)
    while True: time.sleep(1)
pids.append(int(os.read(read, 20)))
open(params["pids"] + ".part", "w").write("\\n".join(map(str, pids)))
os.rename(params["pids"] + ".part", params["pids"])
time.sleep(1)
`;

test('children and daemons that a program leaves are ended, and its model counts', async () => {
  const pids = join(place.folder, 'left.pids');
  const { heard } = await trainHeard(await place.job('leaves', `${leaving}\nfinish()`, { params: { pids } }));
  expect(heard.some((line) => line.includes('left behind were ended'))).toBe(true);
  const left = await pidsIn(pids);
  expect(left).toHaveLength(5);
  expect(await eventually(() => !left.some(lives))).toBe(true);
});

test('a program that fills the disk is ended', async () => {
  const job = await place.job(
    'fills',
    `
for i in range(200):
    open(os.path.join(os.environ["TMPDIR"], str(i)), "wb").write(os.urandom(2**20))
    time.sleep(0.02)
time.sleep(60)
`,
    { trainer: { diskMiB: 20 } },
  );
  expect(await refusal(job)).toEqual(
    refused('TRAINING_FAILED', /its files take \d+ MiB on the disk, and 20 MiB are allowed/),
  );
});

test('the memory of all processes together is what is limited', async () => {
  const job = await place.job(
    'eats',
    `
eat = "import time; a = bytearray(90 * 2**20); time.sleep(60)"
many = [subprocess.Popen([sys.executable, "-c", eat]) for _ in range(3)]
open(params["pids"], "w").write("\\n".join(str(one.pid) for one in many))
time.sleep(60)
`,
    { params: { pids: join(place.folder, 'eats.pids') }, trainer: { memoryMiB: 200 } },
  );
  expect(await refusal(job)).toEqual(refused('TRAINING_FAILED', /hold \d{3} MiB of memory, and 200 MiB are allowed/));
  const eaters = await pidsIn(join(place.folder, 'eats.pids'));
  expect(await eventually(() => !eaters.some(lives))).toBe(true);
});

test('a cancelled program gets SIGTERM and may end by itself', async () => {
  const note = join(place.folder, 'ended');
  const job = await place.job(
    'cancelled',
    `
def end(*_):
    open(params["note"], "w").write("tidied up")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
say(perdura="progress", text="ready")
time.sleep(60)
`,
    { params: { note } },
  );
  const cancel = new AbortController();
  const training = trainHeard(job, cancel.signal, {
    onProgress: (text) => text === 'ready' && cancel.abort(new Error('no longer wanted')),
  });
  await expect(training).rejects.toThrow('no longer wanted');
  expect(await readFile(note, 'utf8')).toBe('tidied up');
  expect(await place.leftovers(job)).toEqual([]);
});

test('a listener that throws ends the program', async () => {
  const pids = join(place.folder, 'listener.pids');
  const job = await place.job(
    'listener',
    'open(params["pids"], "w").write(str(os.getpid()))\nsay(perdura="metric", name="loss", step=1, value=2)\ntime.sleep(60)',
    { params: { pids } },
  );
  const training = trainHeard(job, undefined, {
    onMetric: () => {
      throw new Error('not this');
    },
  });
  await expect(training).rejects.toThrow('not this');
  for (const pid of await pidsIn(pids)) expect(lives(pid)).toBe(false);
});

test('a checkpoint that is no file of the folder ends the training', async () => {
  const job = await place.job(
    'outside',
    'say(perdura="checkpoint", step=1, file="../../data.parquet")\ntime.sleep(60)',
  );
  expect(await refusal(job)).toEqual(refused('TRAINING_FAILED', /no file of its checkpoints' folder/));
});

test('a target with one value is refused before the program starts', async () => {
  const target = { name: 'same', task: 'binary', sql: 'age >= 0' } as const;
  expect(await refusal(await place.job('constant', 'finish()', { job: { target } }))).toEqual(
    refused('INPUT_INVALID', /nothing to learn/),
  );
});

test('two features that differ by case alone are refused', async () => {
  const featuresFile = join(place.folder, 'case.mjs');
  await writeFile(
    featuresFile,
    `export const record = { age: 'number' }; export const features = (r) => ({ age: r.age, Age: r.age });`,
  );
  expect(await refusal(await place.job('case', 'finish()', { job: { featuresFile } }))).toEqual(
    refused('FEATURES_INVALID', /the same column/),
  );
});

test.each([
  ['the worker', (worker: number, _keeper: number) => [worker], 'nobody is left to be told'],
  ['the keeper', (_worker: number, keeper: number) => [keeper], 'TRAINING_FAILED'],
  ['both', (worker: number, keeper: number) => [worker, keeper], 'nobody is left to be told'],
])('everything that a program started ends when %s is killed with -9', async (who, victims, wanted) => {
  const pids = join(place.folder, `${who.replace(' ', '-')}.pids`);
  const job = await place.job(
    `killed-${who.replace(' ', '-')}`,
    `${leaving}\nopen(params["pids"] + ".keeper", "w").write(str(os.getppid()))\nos.rename(params["pids"] + ".keeper", params["pids"] + ".up")\ntime.sleep(300)`,
    { params: { pids } },
  );
  const host = join(place.folder, 'host.mjs');
  const built = new URL('../../../dist/training/train.js', import.meta.url).href;
  await writeFile(
    host,
    `import { train } from ${JSON.stringify(built)};
     process.once('message', async (job) => {
       const quiet = { onMetric() {}, onCheckpoint() {}, onProgress() {} };
       await train(job, { ...quiet, signal: new AbortController().signal }).catch((error) => process.send({ code: error.code, message: error.message }));
       process.disconnect();
     });`,
  );
  const worker = fork(host, { execArgv: [] });
  const failed = new Promise<unknown>((resolve) => worker.once('message', resolve));
  worker.send(job);
  const up = await eventually(async () => (await readFile(`${pids}.up`, 'utf8').catch(() => '')) !== '');
  expect(up).toBe(true);
  const keeper = Number(await readFile(`${pids}.up`, 'utf8'));
  for (const pid of victims(worker.pid ?? 0, keeper)) process.kill(pid, 'SIGKILL');
  const all = [keeper, ...(await pidsIn(pids))];
  expect(all).toHaveLength(6);
  // Nobody is left to end it but the next worker.
  if (who === 'both') await endOrphans();
  const gone = await eventually(() => all.every((pid) => !lives(pid)));
  expect({ who, alive: all.filter(lives), gone }).toEqual({ who, alive: [], gone: true });
  const told = who === 'the keeper' ? ((await failed) as { code: string }).code : 'nobody is left to be told';
  expect(told).toBe(wanted);
  // Where nobody is left, the folder waits for the next worker's sweep.
  const isSwept = async () => who === 'both' || (await place.leftovers(job)).length === 0;
  expect(await eventually(isSwept)).toBe(true);
});

test('a program that is kept is no orphan', async () => {
  const job = await place.job('kept', 'say(perdura="progress", text="ready")\ntime.sleep(1)\nfinish()');
  const training = trainHeard(job, undefined, { onProgress: (text) => text === 'ready' && void endOrphans() });
  expect((await training).result.rows.trained).toBe(3_000);
});
