import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const built = new URL('../../dist/stores/local-files.js', import.meta.url).href;
/** Root may write everywhere: then somebody else removes. */
const somebody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

test('a folder goes also where a program took the right to write in it away', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-local-files-'));
  await chmod(folder, 0o777);
  const script = `
    import { chmod, mkdir, writeFile } from 'node:fs/promises';
    import { removeFolder } from ${JSON.stringify(built)};
    await mkdir('work/cache/module', { recursive: true });
    await writeFile('work/cache/module/file', '');
    await chmod('work/cache/module', 0o555);
    await chmod('work/cache', 0o500);
    await removeFolder('work');
    await removeFolder('none');`;
  try {
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: folder,
      ...somebody,
    });
    await expect(stat(join(folder, 'work'))).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
