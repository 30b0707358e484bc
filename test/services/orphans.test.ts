/* oxlint-disable jest/no-standalone-expect -- a test that a machine may have to skip has a name of its own */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { identify } from '../../services/process-identity.ts';
import { hasDeathSignal } from '../../services/run-program.ts';
import { startS3 } from '../../services/start.ts';
import { embeddedConfig, removeFolders, temporaryFolder, until } from '../support/embedded.ts';

const script = fileURLToPath(new URL('../support/start-services.mjs', import.meta.url));
const limit = 60_000;
const parents: ChildProcess[] = [];

afterAll(async () => {
  for (const parent of parents) parent.kill('SIGKILL');
  await removeFolders();
});

type Family = {
  readonly parent: ChildProcess;
  readonly home: string;
  readonly servers: readonly number[];
  readonly keeper: number;
};

/** A parent of its own process group, as a shell starts it, with both servers up. */
async function startFamily(): Promise<Family> {
  const home = temporaryFolder();
  const parent = spawn(process.execPath, [script, home], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  parents.push(parent);
  for await (const line of createInterface({ input: parent.stdout })) {
    const { temporal, s3 } = JSON.parse(line) as { temporal: number; s3: number };
    return { parent, home, servers: [temporal, s3], keeper: parentOf(s3) };
  }
  throw new Error('the parent ended before the services were up');
}

/** `/proc/<pid>/stat`, field 4. */
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function anyAlive(pids: readonly number[]): boolean {
  return pids.some((pid) => identify(pid) !== null);
}

const linuxTest = process.platform === 'linux' ? test : test.skip;
const boundTest = hasDeathSignal() ? test : test.skip;

linuxTest(
  'kill -9 of the parent leaves no orphan, and the next start works at once on the same state',
  async () => {
    const { parent, home, servers, keeper } = await startFamily();
    expect(anyAlive(servers)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    const next = await startS3(embeddedConfig(home), { onProgress: () => undefined });
    await next.stop();
    await until('servers and keeper are gone', () => !anyAlive([...servers, keeper]));
  },
  limit,
);

linuxTest(
  'Ctrl-C, a SIGINT to the whole group, leaves no orphan',
  async () => {
    const { parent, servers, keeper } = await startFamily();
    process.kill(-(parent.pid ?? 0), 'SIGINT');
    await once(parent, 'exit');
    await until('servers and keeper are gone', () => !anyAlive([...servers, keeper]));
  },
  limit,
);

boundTest(
  'kill -9 of the keeper leaves no orphan (needs setpriv of util-linux)',
  async () => {
    const { parent, servers, keeper } = await startFamily();
    // The parent cannot help: it stands still.
    parent.kill('SIGSTOP');
    process.kill(keeper, 'SIGKILL');
    await until('servers are gone', () => !anyAlive(servers));
    parent.kill('SIGKILL');
  },
  limit,
);

linuxTest(
  'a parent that stops in order ends its keeper too',
  async () => {
    const { parent, servers, keeper } = await startFamily();
    parent.kill('SIGUSR2');
    expect(await once(parent, 'exit')).toEqual([0, null]);
    expect(anyAlive([...servers, keeper])).toBe(false);
  },
  limit,
);
