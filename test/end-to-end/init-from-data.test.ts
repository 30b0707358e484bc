import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { perdura } from '../support/cli.ts';
import { linkPackages, writeCustomers, writeRealData } from '../cli/own-data.ts';

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const minutes = 60_000;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-first-run-'));
  await writeRealData(folder);
  await writeCustomers(join(folder, 'customers.csv'));
}, 30_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A command of a new user's: it must go well. */
async function call(cwd: string, words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { exitCode, stdout, stderr } = await perdura([...words, '--json'], { folder: cwd });
  if (exitCode !== 0) throw new Error(`perdura ${words.join(' ')}: ${stdout}\n${stderr}`);
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

/** `perdura serve`, and its address once it says it. */
async function serve(project: string): Promise<{ readonly url: string; readonly server: ChildProcess }> {
  const server = spawn(process.execPath, [program, 'serve', '--json'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const url = await new Promise<string>((resolve, reject) => {
    server.once('exit', (code) => reject(new Error(`perdura serve ended with ${String(code)}: ${text}`)));
    server.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = /"url": "([^"]+)"/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return { url, server };
}

async function stop(server: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGINT');
  await ended;
}

/** The body of the prediction that the project's README shows. */
async function exampleOf(project: string): Promise<string> {
  const text = await readFile(join(project, 'README.md'), 'utf8');
  return (/^ {2}-d '(.*)'$/m.exec(text)?.[1] ?? '').replaceAll("'\\''", "'");
}

type Output = Readonly<Record<string, unknown>>;
const isShare = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1;

test.each([
  [
    'binary, with categories, missing values and a leak',
    ['--data', 'customers.csv', '--delimiter', ';', '--target', 'churned'],
    'customers',
    (output: Output) => isShare(output['churned']),
  ],
  [
    'of three classes',
    ['--data', 'penguins.csv', '--target', 'Species'],
    'penguins',
    (output: Output) => {
      const probabilities = output['probabilities'] as Readonly<Record<string, number>>;
      const sum = Object.values(probabilities).reduce((total, each) => total + each, 0);
      const [likeliest] = Object.entries(probabilities).toSorted((a, b) => b[1] - a[1])[0] ?? [];
      return Object.keys(probabilities).length === 3 && Math.abs(sum - 1) < 1e-5 && output['species'] === likeliest;
    },
  ],
  [
    'a regression',
    ['--data', 'cars.csv', '--target', 'Miles_per_Gallon'],
    'cars',
    (output: Output) => Number(output['milesPerGallon']) > 5 && Number(output['milesPerGallon']) < 60,
  ],
] as const)(
  "a new user's first run ends with a served champion, without an edit: %s",
  async (_, words, pipeline, isAnswer) => {
    await call(folder, ['init', `my-${pipeline}`, ...words]);
    const project = join(folder, `my-${pipeline}`);
    await linkPackages(project);
    await call(project, ['data', 'add', pipeline, `data/${pipeline}.csv`]);
    expect(await call(project, ['run', pipeline])).toMatchObject({ status: 'completed', outcome: 'promoted' });

    const { url, server } = await serve(project);
    try {
      const answer = await fetch(`${url}/endpoints/${pipeline}/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: await exampleOf(project),
      });
      const body = (await answer.json()) as { readonly output?: Output };
      expect({ status: answer.status, body }).toEqual({
        status: 200,
        body: expect.objectContaining({ arm: 'champion' }),
      });
      expect({ output: body.output, isAnswer: isAnswer(body.output ?? {}) }).toMatchObject({ isAnswer: true });
    } finally {
      await stop(server);
    }
  },
  4 * minutes,
);
