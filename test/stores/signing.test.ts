import { execFile } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { appendFile, copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { CodedError } from '../../domain/errors.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import { downloadPackage } from '../../stores/packages.ts';
import { byPath } from '../../stores/signing/package-signature.ts';
import { openSigningKey } from '../../stores/signing/signing.ts';
import { trustedKeys } from '../../stores/signing/trusted-keys.ts';
import { pythonWith } from '../support/python.ts';
import { testKey, testKeysFolder, testTrust } from '../support/test-key.ts';
import { putTinyPackage } from '../support/tiny-model.ts';

const run = promisify(execFile);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-signing-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('files are in the order in which Python sorts their paths', () => {
  // sorted(map(PurePosixPath, names)) of Python 3.11.
  const sorted = ['a/b', 'a-b/c', 'a.txt', 'b', 'b/é', 'b/\u{ffee}', 'b/😀', 'model.onnx'];
  const files = sorted.toReversed().map((name) => ({ name, sha256: '' }));
  expect(files.toSorted(byPath).map(({ name }) => name)).toEqual(sorted);
});

describe('model_signing 1.1.1 of PyPI', () => {
  let python: string;
  let whole: string;
  let publicKey: string;
  let reference: ModelReference;

  beforeAll(async () => {
    python = await pythonWith(fileURLToPath(new URL('../support/requirements/model-signing.txt', import.meta.url)));
    const store = createMemoryObjectStore();
    reference = await putTinyPackage(store, { model: 'flights', modelVersion: '1' }, { bias: 1 });
    whole = await downloadPackage(store, reference, { folder: join(folder, 'packages'), trusted: testTrust });
    publicKey = join(folder, 'key.pub');
    await writeFile(publicKey, (await testKey()).publicPem);
  }, 300_000);

  /** What the command says of a copy of the package in which something was done. */
  async function verified(name: string, change: (copy: string) => Promise<unknown>, key = publicKey): Promise<string> {
    const copy = join(folder, name);
    await cp(whole, copy, { recursive: true });
    await change(copy);
    const signature = ['--public_key', key, '--signature', join(copy, 'model.sig')];
    const found = await run(python, ['-m', 'model_signing', 'verify', 'key', copy, ...signature]).catch(
      (error: { readonly stdout: string; readonly stderr: string }) => error,
    );
    return `${found.stdout}${found.stderr}`;
  }

  /** What our own check does with the same folder where it takes it for a local package: null accepts it as it is. */
  async function ours(name: string): Promise<string | null> {
    const own = { folder: join(folder, `own-${name}`), trusted: testTrust };
    const local = join(own.folder, 'flights', '1', reference.packageDigest.slice(0, 16));
    await mkdir(join(local, '..'), { recursive: true });
    await cp(join(folder, name), local, { recursive: true });
    // An empty bucket: what is not whole here cannot be had.
    return downloadPackage(createMemoryObjectStore(), reference, own).then(
      () => null,
      (error: CodedError) => error.code,
    );
  }

  test('accepts a package as it is downloaded', async () => {
    expect(await verified('same', async () => undefined)).toContain('Verification succeeded');
    expect(await ours('same')).toBeNull();
  }, 60_000);

  test.each([
    ['a byte more', (copy: string) => appendFile(join(copy, 'model.onnx'), '!'), 'model.onnx'],
    ['another manifest', (copy: string) => writeFile(join(copy, 'manifest.json'), '{}'), 'manifest.json'],
    ['a file more', (copy: string) => writeFile(join(copy, 'more.txt'), ''), 'more.txt'],
    ['a file less', (copy: string) => rm(join(copy, 'profile.json')), 'profile.json'],
  ])(
    'refuses %s, and so do we',
    async (what, change, named) => {
      const name = what.replaceAll(' ', '-');
      const said = await verified(name, change);
      expect(said).toContain('Verification failed');
      expect(said).toContain(named);
      expect(await ours(name)).toBe('NOT_FOUND');
    },
    60_000,
  );

  test('refuses another key', async () => {
    const other = await openSigningKey(join(folder, 'other-keys'));
    const file = join(folder, 'other.pub');
    await writeFile(file, other.publicPem);
    expect(await verified('other-key', async () => undefined, file)).toContain('Verification failed');
  }, 60_000);
});

describe('trusted keys', () => {
  test('are the own one of the home folder, once it was made', async () => {
    const keysFolder = join(folder, 'home-keys');
    const trusted = trustedKeys({ keysFolder, files: null });
    expect(await trusted()).toEqual([]);
    const { hint } = await openSigningKey(keysFolder);
    expect((await trusted()).map((key) => key.hint)).toEqual([hint]);
  });

  test('are those of the files and folders that are named, each once, and then not the own one', async () => {
    const [a, b] = [await openSigningKey(join(folder, 'a')), await openSigningKey(join(folder, 'b'))];
    const keys = join(folder, 'team');
    await mkdir(keys);
    await writeFile(join(keys, 'both.pem'), `${a.publicPem}\n${b.publicPem}`);
    await writeFile(join(keys, 'again.pem'), a.publicPem.replaceAll('\n', '\r\n'));
    await writeFile(join(keys, 'README'), 'Who may release.');
    const single = join(folder, 'single.pub');
    await writeFile(single, b.publicPem);
    const trusted = await trustedKeys({ keysFolder: testKeysFolder(), files: [single, keys] })();
    expect(new Set(trusted.map(({ hint }) => hint))).toEqual(new Set([a.hint, b.hint]));
    expect(trusted).toHaveLength(2);
  });

  test('may be told by a private key: only its public half is taken', async () => {
    await testKey();
    const file = join(folder, 'private.pem');
    await copyFile(join(testKeysFolder(), 'signing-key.pem'), file);
    const [key] = await trustedKeys({ keysFolder: folder, files: [file] })();
    expect(key?.publicPem).toBe(
      createPublicKey(await readFile(file, 'utf8'))
        .export({ type: 'spki', format: 'pem' })
        .toString(),
    );
  });

  test.each([
    ['is not there', async () => join(folder, 'nowhere.pem'), 'cannot be read'],
    ['holds no key', () => written('none.pem', 'no key'), 'holds no key in PEM form'],
    ['is damaged', () => written('bad.pem', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'), 'cannot be'],
    ['is of another curve', () => written('ed.pem', ed25519), 'is not of the curve P-256'],
    ['is a folder without keys', async () => join(folder, 'a', '..', 'empty'), 'without a .pem file'],
  ])('a key that %s is told with its file', async (_, file, problem) => {
    await mkdir(join(folder, 'empty'), { recursive: true });
    const path = await file();
    await expect(trustedKeys({ keysFolder: folder, files: [path] })()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(problem),
    });
  });
});

/** RFC 8410, section 10.1. */
const ed25519 = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`;

async function written(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}
