import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { cacheParts } from '../../../activities/training/cache-parts.ts';
import type { TrainingRequest } from '../../../activities/training/contract.ts';
import { stepCacheKey } from '../../../stores/step-cache.ts';

const environment = {
  node: 'v20.20.2',
  platform: 'linux-x64',
  perdura: '0.1.0',
  temporalSdk: '1.24.0',
  bundleSha256: 'b',
  lockfileSha256: null,
  gitCommit: null,
};

const request: TrainingRequest = {
  run: { pipeline: 'flights', workflowId: 'flights/1', runId: 'r' },
  stepId: '3-train',
  model: 'flights',
  data: { snapshot: { dataset: 'flights', digest: 'd', rows: 1 }, rows: 1 },
  features: 'flights',
  target: { name: 'late', task: 'binary', sql: 'delay > 15' },
  trainer: {
    kind: 'program',
    command: ['python3', 'trainers/train.py'],
    environment: { requirements: 'requirements.txt' },
    params: { rounds: 3 },
    silentForMs: 1_000,
    memoryMiB: null,
    diskMiB: 100,
    tolerance: 1e-4,
  },
  seed: 7,
};

/** Past the shims of version managers, which take longer than the rest. */
const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();

let folder = '';
const write = async (file: string, text: string) => {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), text);
};
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-cache-parts-'));
  await write('features.mjs', 'features');
  await write('requirements.txt', 'a==1');
  await write('trainers/train.py', 'import helper');
  await write('trainers/below/helper.py', 'help');
  await write('trainers/notes.md', 'notes');
  await write('trainers/settings.yaml', 'depth: 3');
  await write('trainers/below/run.sh', 'true');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function partsOf(differing: Partial<TrainingRequest>, device: string | null) {
  const dependencies = { environment, projectFolder: folder, python };
  const attempt = { featuresFile: join(folder, 'features.mjs'), activitiesFile: null, device };
  return cacheParts(dependencies, { ...request, ...differing }, attempt);
}

async function keyOf(differing: Partial<TrainingRequest> = {}, device: string | null = null): Promise<string> {
  return stepCacheKey(await partsOf(differing, device)).key;
}

test.each([
  ['features.mjs', 'the features'],
  ['trainers/train.py', "the program's script"],
  ['trainers/below/helper.py', 'what the script imports from below its folder'],
  ['requirements.txt', 'the requirements'],
  ['trainers/settings.yaml', 'settings beside the script'],
  ['trainers/below/run.sh', 'a script of another language below its folder'],
])('a change of %s is another key: %s', async (file) => {
  const before = await keyOf();
  expect(await keyOf()).toBe(before);
  await write(file, 'changed');
  expect(await keyOf()).not.toBe(before);
});

test('a file of another kind beside the script is not part of the key', async () => {
  const before = await keyOf();
  await write('trainers/notes.md', 'changed');
  expect(await keyOf()).toBe(before);
});

test('seed, target, data, checkpoint and device are parts of the key; run, step and whether a GPU was asked for are not', async () => {
  const before = await keyOf();
  const file = { key: 'c', s3VersionId: 'v', sizeBytes: 1, sha256: 's' };
  const others = [
    await keyOf({ seed: 8 }),
    await keyOf({ target: { name: 'late', task: 'binary', sql: 'delay > 30' } }),
    await keyOf({ data: { ...request.data, time: { column: 'date', before: '2001-01-02' } } }),
    await keyOf({ from: { step: 1, file } }),
    await keyOf({}, 'a device'),
  ];
  expect(new Set([before, ...others]).size).toBe(others.length + 1);
  const run = { pipeline: 'flights', workflowId: 'flights/2', runId: 'q' };
  expect(await keyOf({ run, stepId: '9-train', device: { memoryMiB: 1, orCpu: true } })).toBe(before);
});

test('what a link leads to is part of the key, for the script itself and for what it imports', async () => {
  await write('elsewhere/train.py', 'import shared.other');
  await write('elsewhere/shared/other.py', 'other');
  await mkdir(join(folder, 'linked'));
  await symlink('../elsewhere/train.py', join(folder, 'linked/train.py'));
  await symlink('../elsewhere/shared', join(folder, 'linked/shared'));
  await symlink('..', join(folder, 'elsewhere/shared/up'));
  await symlink('nowhere', join(folder, 'linked/broken.py'));
  const trainer = { ...request.trainer, command: ['python3', 'linked/train.py'] } as TrainingRequest['trainer'];
  const keys = [await keyOf({ trainer })];
  for (const file of ['elsewhere/train.py', 'elsewhere/shared/other.py']) {
    await write(file, 'changed');
    keys.push(await keyOf({ trainer }));
  }
  expect(new Set(keys).size).toBe(3);
});

test('of a program of the system only the file itself is part of the key, and a Python environment is none', async () => {
  await write('trainers/venv/pyvenv.cfg', 'home = /usr');
  await write('trainers/venv/lib/module.py', 'module');
  const command = [process.execPath, 'trainers/train.py'];
  const { code } = await partsOf({ trainer: { ...request.trainer, command } as TrainingRequest['trainer'] }, null);
  const files = Object.keys(code['files'] as Record<string, string>);
  const names = new Set(files.map((file) => basename(file)));
  expect(names).toEqual(new Set(['helper.py', 'node', 'run.sh', 'settings.yaml', 'train.py']));
});
