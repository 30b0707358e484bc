import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { planOf } from '../../../serving/models/measure-model.ts';
import { type TinyModel, tinyPackageFiles } from '../../support/tiny-model.ts';

const megabyte = 1024 * 1024;

let plansFolder = '';
beforeEach(async () => {
  plansFolder = await mkdtemp(join(tmpdir(), 'perdura-plans-'));
});
afterEach(() => rm(plansFolder, { recursive: true, force: true }));

/** Measures a tiny model as on a machine of two processors. */
async function measure(
  model: TinyModel,
  options: { readonly folder?: string; readonly memoryMegabytes?: number } = {},
) {
  const folder = options.folder ?? dirname((await tinyPackageFiles(model))['model.onnx']);
  const lines: string[] = [];
  const reference = { model: 'tiny', modelVersion: '7', packageDigest: 'a'.repeat(64) };
  const plan = planOf(
    { reference, folder },
    {
      plansFolder,
      cores: 2,
      device: 'auto',
      memoryLimitBytes: (options.memoryMegabytes ?? 2_000) * megabyte,
      signal: new AbortController().signal,
      report: (line) => void lines.push(line),
    },
  );
  return { folder, lines, plan: await plan };
}

test('a model that answers a row in microseconds runs in the answering processes with one thread', async () => {
  const { plan, lines } = await measure({ bias: 0 });
  expect(plan).toMatchObject({ placement: 'answering', provider: 'cpu', threads: 1, measured: { batchRows: 64 } });
  expect(plan.measured.rowMs).toBeGreaterThan(0);
  expect(plan.measured.rowMs).toBeLessThan(1);
  expect(lines).toEqual([expect.stringMatching(/^Measured model tiny version 7: 0\.\d{3} ms a row/)]);
});

test('a model that answers a row in tens of milliseconds gets a host, shared runs and a bounded wait', async () => {
  const { plan } = await measure({ bias: 0, matrix: 3_000, passes: 30 });
  expect(plan.placement).toBe('host');
  expect(plan.measured.rowMs).toBeGreaterThan(4);
  // A product of many rows with a matrix reads the matrix once.
  expect(plan.measured.batchMs / plan.measured.batchRows).toBeLessThan(plan.measured.rowMs * 0.7);
  expect(plan.batching?.rows).toBeGreaterThan(1);
  expect(plan.batching?.waitMs).toBe(2);
  // 36 MB of weights.
  expect(plan.measured.memoryBytes).toBeGreaterThan(30 * megabyte);
});

test('what was measured once is not measured again', async () => {
  const { folder, plan } = await measure({ bias: 0 });
  const again = await measure({ bias: 0 }, { folder });
  expect(again.plan).toEqual(plan);
  expect(again.lines).toEqual([]);
});

test('a package that does not load is MODEL_INVALID, and leaves no plan', async () => {
  const files = await tinyPackageFiles({ bias: 0 });
  await writeFile(files['model.onnx'], 'no model');
  const folder = dirname(files['model.onnx']);
  await expect(measure({ bias: 0 }, { folder })).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringMatching(/^Model tiny version 7 cannot answer: ONNX Runtime does not load it/) as string,
  });
  expect(await readdir(plansFolder)).toEqual([]);
});

test('a package that takes more memory than it may ends in its own process, and the message says how much', async () => {
  // Weights of 1,600 MB.
  const failing = measure({ bias: 0, matrix: 20_000 }, { memoryMegabytes: 500 });
  await expect(failing).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringMatching(/it took \d+ MiB of memory, 500 MiB is what a model's process may take/) as string,
  });
});

test('a feature file that ends its process is MODEL_INVALID and ends no other', async () => {
  const files = await tinyPackageFiles({ bias: 0 });
  await writeFile(files['features.mjs'], 'process.kill(process.pid, "SIGSEGV");');
  const folder = dirname(files['model.onnx']);
  await expect(measure({ bias: 0 }, { folder })).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringContaining('ended (SIGSEGV)') as string,
  });
});

test('a measurement that nobody wants any more ends with the reason of its signal', async () => {
  const folder = dirname((await tinyPackageFiles({ bias: 0, matrix: 3_000, passes: 30 }))['model.onnx']);
  const stop = new AbortController();
  const measuring = planOf(
    { reference: { model: 'tiny', modelVersion: '7', packageDigest: 'b'.repeat(64) }, folder },
    {
      plansFolder,
      cores: 2,
      device: 'cpu',
      memoryLimitBytes: 2_000 * megabyte,
      signal: stop.signal,
      report: () => undefined,
    },
  );
  setImmediate(() => stop.abort(new Error('the server ends')));
  await expect(measuring).rejects.toThrow('the server ends');
});
