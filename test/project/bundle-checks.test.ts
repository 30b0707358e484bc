import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadChecks } from '../../project/bundle-checks.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-checks-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function load(name: string, text: string): ReturnType<typeof loadChecks> {
  const file = join(folder, `${name}.ts`);
  await writeFile(file, text);
  return loadChecks(file, join(folder, 'build'));
}

test('the functions that a checks.ts exports are loaded, with what they import', async () => {
  await writeFile(join(folder, 'limits.ts'), 'export const most: number = 5;\n');
  const { checks, sha256 } = await load(
    'good',
    "import { most } from './limits.ts';\nexport const small = (row: { n: number }): boolean => row.n <= most;\nexport const unit = 'km';\n",
  );
  expect(Object.keys(checks)).toEqual(['small']);
  expect([checks['small']?.({ n: 5 }), checks['small']?.({ n: 6 })]).toEqual([true, false]);
  expect(sha256).toMatch(/^[0-9a-f]{64}$/);
});

test('another source is other code by its digest, the same source is the same', async () => {
  const one = await load('one', 'export const yes = () => true;\n');
  const again = await load('again', 'export const yes = () => true;\n');
  const other = await load('other', 'export const yes = () => false;\n');
  expect(again.sha256).toBe(one.sha256);
  expect(other.sha256).not.toBe(one.sha256);
});

test.each([
  [
    'what is not pure',
    "import { readFileSync } from 'node:fs';\nexport const a = () => readFileSync('x');\n",
    /must be pure/,
  ],
  ['a package that is not there', "import { b } from 'not-there';\nexport const a = () => b;\n", /not installed/],
  ['a file without a function', 'export const a = 1;\n', /exports no function/],
  [
    'a file that throws while it loads',
    "export const a = JSON.parse('{') as () => boolean;\n",
    /throws while it loads: .*JSON/,
  ],
])('%s is refused', async (what, text, message) => {
  await expect(load(what.replaceAll(' ', '-'), text)).rejects.toMatchObject({
    code: 'CHECKS_INVALID',
    message: expect.stringMatching(message) as unknown,
  });
});
