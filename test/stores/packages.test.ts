import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ModelReference, type PackageFile, packageFiles } from '../../domain/model-package.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import {
  downloadPackage,
  type LocalPackages,
  readPackageManifest,
  verifyPackage,
  writePackage,
} from '../../stores/packages.ts';
import { sha256Hex } from '../../stores/digest.ts';
import { signedFiles, signPackage } from '../../stores/signing/package-signature.ts';
import { openSigningKey } from '../../stores/signing/signing.ts';
import { trustedKeys } from '../../stores/signing/trusted-keys.ts';
import { codeOf } from '../contracts/object-store.ts';
import { testKey, testTrust } from '../support/test-key.ts';

const version = { model: 'flights', modelVersion: '1' };

let folder: string;
const packages = (trusted = testTrust): LocalPackages => ({ folder: join(folder, 'packages'), trusted });
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
  return { store, reference: await writePackage(store, version, await localFiles(), await testKey()) };
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
  const local = await downloadPackage(store, reference, packages());
  expect((await readdir(local)).toSorted()).toEqual([...packageFiles, 'manifest.json', 'model.sig'].toSorted());
  expect(await readFile(join(local, 'model.onnx'), 'utf8')).toBe('weights');
  expect((await readPackageManifest(store, reference)).files['model.onnx'].sizeBytes).toBe(7);
});

test('writing the same package again changes nothing', async () => {
  const { store, reference } = await written();
  expect(await writePackage(store, version, await localFiles(), await testKey())).toEqual(reference);
  expect(await store.versions('models/flights/1/model.onnx')).toHaveLength(1);
});

test('a version that has a package takes no other', async () => {
  const { store, reference } = await written();
  expect(await codeOf(writePackage(store, version, await localFiles('other weights'), await testKey()))).toBe(
    'CONFLICT',
  );
  await downloadPackage(store, reference, packages());
});

test.each([1, 2, 3, 4, 5])(
  'killed at write %d, a package is either absent or whole, and the step can be repeated',
  async (n) => {
    const store = createMemoryObjectStore();
    const reference = { ...version, packageDigest: 'any' };
    await expect(writePackage(failingAt(store, n), version, await localFiles('half'), await testKey())).rejects.toThrow(
      'killed',
    );
    expect(await codeOf(readPackageManifest(store, reference))).toBe('NOT_FOUND');
    const whole = await writePackage(store, version, await localFiles('weights'), await testKey());
    const local = await downloadPackage(store, whole, packages());
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
    const failure = await downloadPackage(store, reference, packages()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'PACKAGE_ALTERED' });
    expect(String(failure)).toContain(`'${key}'`);
    expect(await readdir(join(folder, 'packages', 'flights', '1')).catch(() => [])).toEqual([]);
  },
);

test('another digest than the registered one is PACKAGE_ALTERED', async () => {
  const { store, reference } = await written();
  const packageDigest = '0'.repeat(64);
  expect(await codeOf(downloadPackage(store, { ...reference, packageDigest }, packages()))).toBe('PACKAGE_ALTERED');
});

test('a whole local package is used without the bucket', async () => {
  const { store, reference } = await written();
  const local = await downloadPackage(store, reference, packages());
  expect(await downloadPackage(createMemoryObjectStore(), reference, packages())).toBe(local);
});

test('a local package that was altered is replaced', async () => {
  const { store, reference } = await written();
  const local = await downloadPackage(store, reference, packages());
  await writeFile(join(local, 'model.onnx'), 'changed');
  expect(await downloadPackage(store, reference, packages())).toBe(local);
  expect(await readFile(join(local, 'model.onnx'), 'utf8')).toBe('weights');
});

test('ten downloads at once give one whole folder and no litter', async () => {
  const { store, reference } = await written();
  const paths = await Promise.all(Array.from({ length: 10 }, () => downloadPackage(store, reference, packages())));
  expect(new Set(paths).size).toBe(1);
  expect(await readdir(join(folder, 'packages', 'flights', '1'))).toEqual([reference.packageDigest.slice(0, 16)]);
});

test('killed before its signature, a package is refused, and the step can be repeated', async () => {
  const store = createMemoryObjectStore();
  const files = await localFiles();
  await expect(writePackage(failingAt(store, 6), version, files, await testKey())).rejects.toThrow('killed');
  const { bytes } = await store.read('models/flights/1/manifest.json');
  const reference = { ...version, packageDigest: sha256Hex(bytes) };
  expect(await codeOf(downloadPackage(store, reference, packages()))).toBe('PACKAGE_UNSIGNED');
  expect(await writePackage(store, version, files, await testKey())).toEqual(reference);
  await downloadPackage(store, reference, packages());
});

describe('a package that nobody who is trusted here has signed', () => {
  const otherKey = () => openSigningKey(join(folder, 'other'));
  const trustsOther = () => trustedKeys({ keysFolder: join(folder, 'other'), files: null });

  test('is refused, with the hints of both keys', async () => {
    const { store, reference } = await written();
    const other = await otherKey();
    const failure = await downloadPackage(store, reference, packages(trustsOther())).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'PACKAGE_UNSIGNED' });
    expect(String(failure)).toContain(other.hint);
    expect(String(failure)).toContain((await testKey()).hint);
    expect(await codeOf(verifyPackage(store, reference, trustsOther()))).toBe('PACKAGE_UNSIGNED');
  });

  test('is refused also where it lies on this machine already', async () => {
    const { store, reference } = await written();
    await downloadPackage(store, reference, packages());
    await otherKey();
    expect(await codeOf(downloadPackage(store, reference, packages(trustsOther())))).toBe('PACKAGE_UNSIGNED');
  });

  test('is refused where no key is trusted', async () => {
    const { store, reference } = await written();
    const failure = await downloadPackage(store, reference, packages(trustsOther())).catch((error: unknown) => error);
    expect(String(failure)).toContain('trusted here is no key');
  });

  test('is refused when its signature was written by another key', async () => {
    const { store, reference } = await written();
    const key = await otherKey();
    const manifest = await readPackageManifest(store, reference);
    const forged = signPackage(key, reference, signedFiles(manifest, reference.packageDigest));
    await store.write('models/flights/1/model.sig', Buffer.from(JSON.stringify(forged)));
    expect(await codeOf(downloadPackage(store, reference, packages()))).toBe('PACKAGE_UNSIGNED');
  });
});

test.each([
  ['an altered file', 'model.onnx'],
  ['an altered manifest', 'manifest.json'],
  ['an altered signature', 'model.sig'],
])('%s in the bucket is found before a promotion, whatever lies on this machine', async (_, name) => {
  const { store, reference } = await written();
  await downloadPackage(store, reference, packages());
  await verifyPackage(store, reference, testTrust);
  const key = `models/flights/1/${name}`;
  const { bytes } = await store.read(key);
  await store.write(
    key,
    bytes.map((byte, index) => (index === bytes.length >> 1 ? byte ^ 1 : byte)),
  );
  expect(await codeOf(verifyPackage(store, reference, testTrust))).toBe('PACKAGE_ALTERED');
});

test('a signature of another version does not serve', async () => {
  const { store, reference } = await written();
  const second = { model: 'flights', modelVersion: '2' };
  await writePackage(store, second, await localFiles('other weights'), await testKey());
  const { bytes } = await store.read('models/flights/2/model.sig');
  await store.write('models/flights/1/model.sig', bytes);
  const failure = await downloadPackage(store, reference, packages()).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'PACKAGE_ALTERED' });
  expect(String(failure)).toContain('manifest.json, model.onnx');
});

test.each([
  ['another signature', 'model.sig', '{}'],
  ['a file more', 'more.txt', 'more'],
])('a local package with %s is replaced', async (_, name, content) => {
  const { store, reference } = await written();
  const local = await downloadPackage(store, reference, packages());
  await writeFile(join(local, name), content);
  expect(await downloadPackage(store, reference, packages())).toBe(local);
  expect((await readdir(local)).toSorted()).toEqual([...packageFiles, 'manifest.json', 'model.sig'].toSorted());
});

test('a folder that cannot be written says so and leaves nothing', async () => {
  const { store, reference } = await written();
  const closed = join(folder, 'closed');
  await writeFile(closed, 'a file where a folder should be');
  await chmod(closed, 0o400);
  await expect(downloadPackage(store, reference, { ...packages(), folder: closed })).rejects.toMatchObject({
    code: 'ENOTDIR',
  });
});
