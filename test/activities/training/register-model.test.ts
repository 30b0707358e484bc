import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { interfaceDigest, registerModel } from '../../../activities/training/register-model.ts';
import type { ModelAbout } from '../../../domain/registry.ts';
import { type PackageFile, packageFiles } from '../../../domain/model-package.ts';
import { runFolder } from '../../../domain/run.ts';
import type { ObjectPin } from '../../../domain/snapshot.ts';
import type { TrainedModel } from '../../../domain/trainer.ts';
import { pinFileOnce } from '../../../stores/artifacts.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import { downloadPackage } from '../../../stores/packages.ts';
import { readRegistry } from '../../../stores/registry.ts';
import { writeRunStart } from '../../../stores/runs.ts';
import { openSigningKey } from '../../../stores/signing/signing.ts';
import { trustedKeys } from '../../../stores/signing/trusted-keys.ts';
import { newVersion, testLineage } from '../../support/lineage.ts';
import { tinyPackageFiles, tinySignature } from '../../support/tiny-model.ts';

const run = { pipeline: 'flights', workflowId: 'flights/1', runId: 'run-1' };
const about: ModelAbout = { intendedUse: 'To warn passengers.', limitations: ['Flights within the US.'] };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-register-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A run that has trained: what the registration is given. `damage` is done to the files before. */
async function trainedRun(damage: (files: Record<PackageFile, string>) => Promise<unknown> = async () => undefined) {
  const store = createMemoryObjectStore();
  const { environment } = testLineage;
  const start = {
    ...run,
    input: null,
    startedAt: '2001-03-01T00:00:00.000Z',
    startedBy: 'person',
    environment,
  } as const;
  await writeRunStart(store, start);
  const files = await tinyPackageFiles({ bias: 1 });
  await damage(files);
  const pinned = packageFiles.map(async (name): Promise<[PackageFile, ObjectPin]> => {
    return [name, await pinFileOnce(store, `${runFolder(run)}artifacts/1-train/${name}`, files[name])];
  });
  const pins = Object.fromEntries(await Promise.all(pinned)) as Record<PackageFile, ObjectPin>;
  await rm(dirname(files['model.onnx']), { recursive: true });
  const trained: TrainedModel = {
    model: 'flights',
    signature: tinySignature,
    trainer: testLineage.trainer,
    seed: 11,
    data: newVersion('any').data,
    files: pins,
    summary: '1 epoch',
    metrics: {},
    record: testLineage.record,
    checkpoint: null,
    cache: { key: '', code: '', inputs: '', params: '', environment: '', outcome: 'off', why: '' },
    elapsedMs: 1,
  };
  return { store, trained };
}

function dependencies(store: ReturnType<typeof createMemoryObjectStore>, files: readonly string[] | null = null) {
  const keysFolder = join(folder, 'keys');
  return {
    store,
    cacheFolder: join(folder, 'cache'),
    packages: { folder: join(folder, 'packages'), trusted: trustedKeys({ keysFolder, files }) },
    keysFolder,
    workFolder: join(folder, 'work'),
    now: () => '2001-03-02T00:00:00.000Z',
  };
}

test('a registered version says where it comes from, and its package can be had by whoever trusts the worker', async () => {
  const { store, trained } = await trainedRun();
  const deps = dependencies(store);
  const reference = await registerModel(deps, { run, registrationId: 'r/2-register', trained, about });
  expect((await readRegistry(store, 'flights'))?.versions).toEqual([
    {
      modelVersion: '1',
      semanticVersion: '1.0.0',
      registrationId: 'r/2-register',
      status: 'ready',
      packageDigest: reference.packageDigest,
      run,
      data: trained.data,
      lineage: {
        trainer: trained.trainer,
        seed: 11,
        featuresSha256: trained.files['features.mjs'].sha256,
        interfaceSha256: interfaceDigest(tinySignature),
        modelSha256: trained.files['model.onnx'].sha256,
        environment: testLineage.environment,
        record: trained.record,
      },
      about,
      createdAt: '2001-03-02T00:00:00.000Z',
      reason: null,
    },
  ]);
  const local = await downloadPackage(store, reference, deps.packages);
  expect(JSON.parse(await readFile(join(local, 'signature.json'), 'utf8'))).toEqual(tinySignature);
});

test('a step that is repeated registers once', async () => {
  const { store, trained } = await trainedRun();
  const request = { run, registrationId: 'r/2-register', trained };
  const first = await registerModel(dependencies(store), request);
  expect(await registerModel(dependencies(store), request)).toEqual(first);
  expect((await readRegistry(store, 'flights'))?.versions).toHaveLength(1);
  expect(await store.versions('models/flights/1/model.sig')).toHaveLength(1);
});

test('a model that does not load gets no version', async () => {
  const { store, trained } = await trainedRun(async (files) => {
    const bytes = await readFile(files['model.onnx']);
    await writeFile(files['model.onnx'], bytes.subarray(0, bytes.length / 2));
  });
  const registered = registerModel(dependencies(store), { run, registrationId: 'r', trained });
  await expect(registered).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  expect(await readRegistry(store, 'flights')).toBeNull();
});

test('a worker whose key is not trusted here registers nothing, and says which keys are', async () => {
  const { store, trained } = await trainedRun();
  const release = await openSigningKey(join(folder, 'release'));
  const file = join(folder, 'release.pub');
  await writeFile(file, release.publicPem);
  const registered = registerModel(dependencies(store, [file]), { run, registrationId: 'r', trained });
  await expect(registered).rejects.toMatchObject({
    code: 'PACKAGE_UNSIGNED',
    message: expect.stringContaining(`trusted are ${release.hint}`),
  });
  expect(await readRegistry(store, 'flights')).toBeNull();
});

test('the interface changes with what a client sends or gets, and with nothing else', () => {
  const same = interfaceDigest({ ...tinySignature });
  expect(interfaceDigest(tinySignature)).toBe(same);
  const target = { ...tinySignature.target, sql: 'delay > 30' };
  const others = [
    { ...tinySignature, record: { ...tinySignature.record, distance: 'number?' as const } },
    { ...tinySignature, numbers: ['hour', 'distance'] },
    { ...tinySignature, target },
    { ...tinySignature, target: { ...tinySignature.target, task: 'multiclass' as const }, classes: ['a', 'b'] },
    { ...tinySignature, target: { ...tinySignature.target, task: 'multiclass' as const }, classes: ['a', 'c'] },
  ];
  expect(new Set([same, ...others.map(interfaceDigest)]).size).toBe(1 + others.length);
});
