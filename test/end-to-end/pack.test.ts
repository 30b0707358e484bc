import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const minutes = 60_000;
const shipped =
  /^(?:dist\/(?!test|bench|main-job|pipelines)|templates\/project\/|trainers\/(?:perdura_trainer\/|requirements\/)?\w+\.(?:py|txt|in)$|(?:package\.json|README\.md|CHANGELOG\.md|LICENSE)$)/;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-pack-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a program as a new user's shell would: none of this repository's npm settings, none of its services. */
async function call(program: string, words: readonly string[], cwd: string): Promise<string> {
  const foreign = /^(?:npm_|TEMPORAL_|AWS_|S3_|PERDURA_(?!CACHE|TEMPORAL_BINARY|S3_BINARY)|NODE_OPTIONS|JEST_)/i;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  const { stdout } = await promisify(execFile)(program, [...words], { cwd, env, maxBuffer: 2 ** 26 }).catch(
    (error: { readonly message: string; readonly stdout?: string; readonly stderr?: string }) => {
      throw new Error(`${program} ${words.join(' ')}: ${error.message}\n${error.stdout}\n${error.stderr}`);
    },
  );
  return stdout;
}

test(
  'the packed package works elsewhere: init, install, npm test, types, and a first release',
  async () => {
    const [packed] = JSON.parse(
      await call('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], repository),
    ) as readonly [{ readonly filename: string; readonly files: readonly { readonly path: string }[] }];
    const paths = packed.files.map((file) => file.path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'dist/cli/main.js',
        'templates/project/_npmrc',
        'trainers/lightgbm_trainer.py',
        'LICENSE',
      ]),
    );
    expect(paths.filter((path) => !shipped.test(path))).toEqual([]);

    // The command of the package itself makes the project, as `npx perdura init` does.
    await call(
      'npm',
      ['install', '--prefix', join(folder, 'tool'), '--ignore-scripts', join(folder, packed.filename)],
      folder,
    );
    const tool = join(folder, 'tool/node_modules/.bin/perdura');
    await call(tool, ['init', 'my-models', '--perdura', `file:${packed.filename}`], folder);
    const project = join(folder, 'my-models');
    await call('npm', ['install'], project);

    await call('npm', ['test'], project);
    await call('npm', ['run', 'check'], project);

    await call('npx', ['perdura', 'data', 'add', 'churn', 'data/churn.csv'], project);
    const released = JSON.parse(await call('npx', ['perdura', 'run', 'churn', '--json'], project)) as object;
    expect(released).toMatchObject({ status: 'completed', outcome: 'promoted' });
    const replayed = JSON.parse(
      await call('npx', ['perdura', 'audit', 'replay', 'churn', '--json'], project),
    ) as object;
    expect(replayed).toMatchObject({ verdict: 'IDENTICAL' });
    expect(await readFile(join(project, '.npmrc'), 'utf8')).toContain('ignore-scripts=true');
  },
  15 * minutes,
);
