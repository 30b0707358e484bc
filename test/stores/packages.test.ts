import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ModelReference, type PackageFile, packageFiles } from '../../domain/model-package.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { downloadPackage, readPackageManifest, writePackage } from '../../stores/packages.ts';
import { codeOf } from '../contracts/object-store.ts';

const version = { model: 'flights', modelVersion: '1' };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-packages-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function localFiles(model = 'weights'): Promise<Record<PackageFile, string>> {
  const contents: Record<PackageFile, string> = {
    'model.onnx': model,
    'features.mjs': 'export const features = () => ({});',
    'signature.json': '{}',
    'profile.json': '{}',
  };
  const paths = { ...contents };
  for (const name of packageFiles) {
    paths[name] = join(folder, `local-${name}`);
    await writeFile(paths[name], contents[name]);
  }
  return paths;
}

async function written(): Promise<{ store: ObjectStore; reference: ModelReference }> {
  const store = createMemoryObjectStore();
  return { store, reference: await writePackage(store, version, await localFiles()) };
}

/** Every write from the `n`th on fails, as when the process were killed there. */
function failingAt(store: ObjectStore, n: number): ObjectStore {
  let writes = 0;
  return {
    ...store,
    write: (key, body, options) =>
      ++writes >= n ? Promise.reject(new Error('killed')) : store.write(key, body, options),
  };
}

test('a package comes back as it was written', async () => {
  const { store, reference } = await written();
  const local = await downloadPackage(store, reference, join(folder, 'packages'));
  expect((await readdir(local)).toSorted()).toEqual([...packageFiles, 'manifest.json'].toSorted());
  expect(await readFile(join(local, 'model.onnx'), 'utf8')).toBe('weights');
  expect((await readPackageManifest(store, reference)).files['model.onnx'].sizeBytes).toBe(7);
});

test('writing the same package again changes nothing', async () => {
  const { store, reference } = await written();
  expect(await writePackage(store, version, await localFiles())).toEqual(reference);
  expect(await store.versions('models/flights/1/model.onnx')).toHaveLength(1);
});

test('a version that has a package takes no other', async () => {
  const { store, reference } = await written();
  expect(await codeOf(writePackage(store, version, await localFiles('other weights')))).toBe('CONFLICT');
  await downloadPackage(store, reference, join(folder, 'packages'));
});

test.each([1, 2, 3, 4, 5])(
  'killed at write %d, a package is either absent or whole, and the step can be repeated',
  async (n) => {
    const store = createMemoryObjectStore();
    const reference = { ...version, packageDigest: 'any' };
    await expect(writePackage(failingAt(store, n), version, await localFiles('half'))).rejects.toThrow('killed');
    expect(await codeOf(readPackageManifest(store, reference))).toBe('NOT_FOUND');
    const whole = await writePackage(store, version, await localFiles('weights'));
    const local = await downloadPackage(store, whole, join(folder, 'packages'));
    expect(await readFile(join(local, 'model.onnx'), 'utf8')).toBe('weights');
  },
);

test.each([...packageFiles, 'manifest.json'])(
  'an altered %s is PACKAGE_ALTERED, names the object and leaves no folder',
  async (name) => {
    const { store, reference } = await written();
    const key = `models/flights/1/${name}`;
    const { bytes } = await store.read(key);
    const altered = bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
    await store.write(key, altered);
    const failure = await downloadPackage(store, reference, join(folder, 'packages')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'PACKAGE_ALTERED' });
    expect(String(failure)).toContain(`'${key}'`);
    expect(await readdir(join(folder, 'packages', 'flights', '1')).catch(() => [])).toEqual([]);
  },
);

test('another digest than the registered one is PACKAGE_ALTERED', async () => {
  const { store, reference } = await written();
  const packageDigest = '0'.repeat(64);
  expect(await codeOf(downloadPackage(store, { ...reference, packageDigest }, join(folder, 'packages')))).toBe(
    'PACKAGE_ALTERED',
  );
});

test('a whole local package is used without the bucket', async () => {
  const { store, reference } = await written();
  const local = await downloadPackage(store, reference, join(folder, 'packages'));
  expect(await downloadPackage(createMemoryObjectStore(), reference, join(folder, 'packages'))).toBe(local);
});

test('a local package that was altered is replaced', async () => {
  const { store, reference } = await written();
  const local = await downloadPackage(store, reference, join(folder, 'packages'));
  await writeFile(join(local, 'model.onnx'), 'changed');
  expect(await downloadPackage(store, reference, join(folder, 'packages'))).toBe(local);
  expect(await readFile(join(local, 'model.onnx'), 'utf8')).toBe('weights');
});

test('ten downloads at once give one whole folder and no litter', async () => {
  const { store, reference } = await written();
  const paths = await Promise.all(
    Array.from({ length: 10 }, () => downloadPackage(store, reference, join(folder, 'packages'))),
  );
  expect(new Set(paths).size).toBe(1);
  expect(await readdir(join(folder, 'packages', 'flights', '1'))).toEqual([reference.packageDigest.slice(0, 16)]);
});

test('a folder that cannot be written says so and leaves nothing', async () => {
  const { store, reference } = await written();
  const closed = join(folder, 'closed');
  await writeFile(closed, 'a file where a folder should be');
  await chmod(closed, 0o400);
  await expect(downloadPackage(store, reference, closed)).rejects.toMatchObject({ code: 'ENOTDIR' });
});
