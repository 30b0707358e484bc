import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadProject } from '../../project/load.ts';
import { perdura } from '../support/cli.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-init-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function manifestOf(project: string): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as Readonly<Record<string, unknown>>;
}

test('init writes a project that loads, with dot files, and leaves nothing beside it', async () => {
  const { exitCode, stdout } = await perdura(['init', 'my-models', '--json'], { folder });
  expect(exitCode).toBe(0);
  const project = join(folder, 'my-models');
  expect(JSON.parse(stdout)).toMatchObject({ name: 'my-models', folder: project });
  expect(await readdir(folder)).toEqual(['my-models']);
  expect(await readdir(project)).toEqual(
    expect.arrayContaining(['.gitignore', '.npmrc', 'README.md', 'data', 'jest.config.js', 'package.json', 'test']),
  );
  expect((await loadProject(project)).pipelines).toMatchObject([
    {
      name: 'churn',
      featuresFile: expect.any(String),
      scheduleFile: expect.any(String),
      parametersFile: expect.any(String),
    },
  ]);
});

test("a parameter that the template's pipeline does not take is refused, with those that it takes", async () => {
  await perdura(['init', 'my-models'], { folder });
  const { exitCode, stderr } = await perdura(['run', 'churn', '--param', 'dta=old.csv'], {
    folder: join(folder, 'my-models'),
  });
  expect(exitCode).toBe(2);
  expect(stderr).toContain("no parameter 'dta'. Did you mean 'data'? It takes:\n  data  'newest' (the default)");
});

test("the new project depends on this version, with this version's tools and overrides", async () => {
  await perdura(['init', 'my-models'], { folder });
  const own = await manifestOf(repository);
  const made = await manifestOf(join(folder, 'my-models'));
  expect(made).toMatchObject({ name: 'my-models', dependencies: { perdura: own['version'] } });
  expect(made['overrides']).toEqual(own['overrides']);
  expect(own['devDependencies']).toMatchObject(made['devDependencies'] as object);
});

test('a file: dependency is written as npm reads it, from the new project', async () => {
  await perdura(['init', 'deep/my-models', '--perdura', 'file:perdura.tgz'], { folder });
  expect(await manifestOf(join(folder, 'deep/my-models'))).toMatchObject({
    dependencies: { perdura: 'file:../../perdura.tgz' },
  });
});

test('an empty folder is filled where it stands', async () => {
  await mkdir(join(folder, 'my-models'));
  const { exitCode } = await perdura(['init', '.'], { folder: join(folder, 'my-models') });
  expect(exitCode).toBe(0);
  expect(await manifestOf(join(folder, 'my-models'))).toMatchObject({ name: 'my-models' });
});

test('a folder with anything in it is refused and left as it is', async () => {
  await mkdir(join(folder, 'mine'));
  await writeFile(join(folder, 'mine/notes.txt'), 'keep');
  const { exitCode, stderr } = await perdura(['init', 'mine'], { folder });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('is not empty (notes.txt)');
  expect(await readdir(join(folder, 'mine'))).toEqual(['notes.txt']);
  expect(await readdir(folder)).toEqual(['mine']);
});

test('a name that no package can have is refused', async () => {
  const { exitCode } = await perdura(['init', 'my models'], { folder });
  expect(exitCode).toBe(2);
  expect(await readdir(folder)).toEqual([]);
});

test('the committed data is what its maker writes', async () => {
  const data = join(repository, 'templates/project/data');
  const { stdout } = await promisify(execFile)(process.execPath, [join(data, 'make-churn.js')]);
  expect(stdout).toBe(await readFile(join(data, 'churn.csv'), 'utf8'));
});
