import { spawn } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonEnvironment } from '../../../training/program/python-environment.ts';
import { eventually, lives } from '../flights.ts';

/** No package: pip then asks no network, and everything around it is the same. */
const nothing = '# nothing is needed\n';

let folder: string;
let requirements: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-python-'));
  requirements = join(folder, 'requirements.txt');
  await writeFile(requirements, nothing);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function build(file: string, environments: string, signal = new AbortController().signal, python?: string) {
  const heard: string[] = [];
  const given = python === undefined ? {} : { python };
  const built = await pythonEnvironment(file, join(folder, environments), {
    signal,
    onProgress: (text) => heard.push(text),
    ...given,
  });
  return { built, heard };
}

test('two builders at once build once, and a third finds it without a word', async () => {
  const [one, two] = await Promise.all([build(requirements, 'both'), build(requirements, 'both')]);
  expect(one.built).toEqual(two.built);
  expect([...one.heard, ...two.heard].filter((line) => line.startsWith('waiting for another process'))).toHaveLength(1);
  expect(one.built.python).toMatch(/^3\.\d+\.\d+$/);
  expect(one.built.digest).toMatch(/^[0-9a-f]{64}$/);
  expect((await build(requirements, 'both')).heard).toEqual([]);
}, 120_000);

test('an environment that a killed builder left half-way is built anew', async () => {
  const { built } = await build(requirements, 'both');
  await rm(join(built.folder, 'perdura-environment.json'));
  await rm(join(built.folder, 'bin', 'python'));
  const again = await build(requirements, 'both');
  expect(again.built).toEqual(built);
  expect(again.heard).not.toEqual([]);
  expect(await readdir(join(built.folder, 'bin'))).toContain('python');
}, 120_000);

test('a builder that is cancelled is gone, and its half holds nobody up', async () => {
  const cancel = new AbortController();
  const building = build(requirements, 'cancelled', cancel.signal);
  const begun = await eventually(async () => (await readdir(join(folder, 'cancelled')).catch(() => [])).length > 1);
  expect(begun).toBe(true);
  cancel.abort(new Error('no longer wanted'));
  await expect(building).rejects.toThrow('no longer wanted');
  const { built } = await build(requirements, 'cancelled');
  expect(await readFile(join(built.folder, 'perdura-environment.json'), 'utf8')).toContain(built.digest);
}, 120_000);

test('a builder ends when the process that asked for it is killed with -9', async () => {
  const script = join(folder, 'asks.mjs');
  const built = new URL('../../../dist/training/program/python-environment.js', import.meta.url).href;
  const slow = join(folder, 'slow-python');
  await writeFile(slow, `#!/bin/sh\necho $$ > ${folder}/builder.pid\nsleep 1\nexec python3 "$@"\n`, { mode: 0o755 });
  await writeFile(
    script,
    `import { pythonEnvironment } from ${JSON.stringify(built)};
     await pythonEnvironment(${JSON.stringify(requirements)}, ${JSON.stringify(join(folder, 'asked'))}, { python: ${JSON.stringify(slow)}, signal: new AbortController().signal, onProgress() {} });`,
  );
  const asks = spawn(process.execPath, [script], { stdio: 'ignore' });
  const begun = await eventually(async () => (await readdir(join(folder, 'asked')).catch(() => [])).length > 1);
  expect(begun).toBe(true);
  asks.kill('SIGKILL');
  const builder = Number(await readFile(join(folder, 'builder.pid'), 'utf8'));
  expect(await eventually(() => !lives(builder))).toBe(true);
}, 60_000);

test('other bytes of the requirements are another environment', async () => {
  const other = join(folder, 'other.txt');
  await writeFile(other, '# nothing else is needed\n');
  const [one, two] = [await build(requirements, 'both'), await build(other, 'both')];
  expect(one.built.digest).not.toBe(two.built.digest);
}, 120_000);

test('a package that is not pinned with a hash is refused, with what can be done', async () => {
  const loose = join(folder, 'loose.txt');
  await writeFile(loose, 'six==1.16.0\n');
  await expect(build(loose, 'loose')).rejects.toMatchObject({
    code: 'ENVIRONMENT_UNOBTAINABLE',
    message: expect.stringMatching(/hash.*PIP_INDEX_URL.*PERDURA_PYTHON/s),
  });
}, 120_000);

test('a requirements file or a Python that is not there is named', async () => {
  await expect(build(join(folder, 'absent.txt'), 'absent')).rejects.toMatchObject({
    code: 'ENVIRONMENT_UNOBTAINABLE',
    message: expect.stringContaining('absent.txt'),
  });
  await expect(build(requirements, 'absent', undefined, '/no/such/python')).rejects.toMatchObject({
    code: 'ENVIRONMENT_UNOBTAINABLE',
    message: expect.stringContaining('PERDURA_PYTHON'),
  });
});
