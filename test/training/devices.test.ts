import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDevices, readDevices } from '../../training/devices.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-devices-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Rows in the form of nvidia-smi 550 (`--query-gpu=uuid,index,name,memory.total,memory.free,driver_version --format=csv,noheader,nounits`). */
const recorded = `GPU-6f8d1b1e-4c1a-9d5e-2f5a-1b2c3d4e5f60, 0, NVIDIA A100-SXM4-40GB, 40960, 40337, 550.54.15
GPU-0b9c8d7e-6f5a-4b3c-2d1e-0f9a8b7c6d5e, 1, NVIDIA A100-SXM4-40GB, 40960, 512, 550.54.15
`;

async function program(body: string): Promise<string> {
  const file = join(folder, `smi-${Math.abs(body.length)}`);
  await writeFile(file, `#!/bin/sh\n${body}\n`);
  await chmod(file, 0o755);
  return file;
}

test('a device is read from a row', () => {
  expect(parseDevices(recorded)).toMatchObject([
    { index: 0, name: 'NVIDIA A100-SXM4-40GB', memoryMiB: 40960, freeMiB: 40337, driver: '550.54.15' },
    { uuid: 'GPU-0b9c8d7e-6f5a-4b3c-2d1e-0f9a8b7c6d5e', freeMiB: 512 },
  ]);
});

test('a row without its memory is refused with the row', () => {
  expect(() => parseDevices('GPU-1, 0, GRID, [N/A], [N/A], 550.54.15')).toThrow(/'GPU-1, 0, GRID, \[N\/A\]/);
});

test('a machine without nvidia-smi has no devices and no problem', async () => {
  const problems: string[] = [];
  const options = { program: join(folder, 'absent'), onProblem: (text: string) => void problems.push(text) };
  expect(await readDevices(options)).toEqual([]);
  expect(problems).toEqual([]);
});

test('a driver that does not answer is told in its own words and counts as no device', async () => {
  const problems: string[] = [];
  const words = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.";
  const options = {
    program: await program(`echo "${words}"; exit 9`),
    onProblem: (text: string) => void problems.push(text),
  };
  expect(await readDevices(options)).toEqual([]);
  expect(problems).toEqual([expect.stringContaining(words)]);
});

test('the program is asked for what is read', async () => {
  const asked = await program(
    `[ "$*" = "--query-gpu=uuid,index,name,memory.total,memory.free,driver_version --format=csv,noheader,nounits" ] || exit 3
cat <<'END'\n${recorded}END`,
  );
  expect(await readDevices({ program: asked, onProblem: (text) => expect(text).toBe('') })).toHaveLength(2);
});
