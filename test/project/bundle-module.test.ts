import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { importModule } from '../../project/bundle-module.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'perdura-module-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

test('a TypeScript file is imported with its built-ins and packages, from a folder outside the project', async () => {
  await write({
    'project/activities.ts': `import { join } from 'node:path';
      import { twice } from 'twice';
      import { base } from './base.ts';
      export const answer: string = join('a', String(twice(base)));`,
    'project/base.ts': 'export const base: number = 21;',
    'project/node_modules/twice/package.json': '{ "name": "twice", "type": "module", "exports": "./index.js" }',
    'project/node_modules/twice/index.js': 'export const twice = (x) => 2 * x;',
  });
  const module = await importModule(join(root, 'project/activities.ts'), join(root, 'elsewhere/build'));
  expect(module).toMatchObject({ answer: 'a/42' });
});

test('a changed source is a new module, an unchanged one the same', async () => {
  const file = join(root, 'schedule.ts');
  await write({ 'schedule.ts': 'export const n: number = 1;' });
  const first = await importModule(file, join(root, 'build'));
  expect(await importModule(file, join(root, 'build'))).toBe(first);
  await write({ 'schedule.ts': 'export const n: number = 2;' });
  expect(await importModule(file, join(root, 'build'))).toMatchObject({ n: 2 });
});

test('a file that does not build gives its place', async () => {
  await write({ 'activities.ts': 'export const a = (;' });
  await expect(importModule(join(root, 'activities.ts'), join(root, 'build'))).rejects.toMatchObject({
    code: 'PROJECT_INVALID',
    message: expect.stringContaining('activities.ts:1:'),
  });
});
