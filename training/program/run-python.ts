import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How a Python ended: null was not started, or ended by a signal. */
export type PythonRun = { readonly code: number | null; readonly lastLines: string };

const keptLines = 12;
/** Settings of Perdura's own services are nobody else's business; pip needs proxies, certificates and its own settings. */
const withheld = /^(?:AWS_|TEMPORAL_|S3_|PERDURA_|PYTHON|CONDA_|VIRTUAL_ENV)/;

/**
 * Runs a Python script in a session of its own with the environment that pip needs. Its standard input closes when this process ends,
 * however that is, for a script that watches it.
 *
 * @throws the signal's reason when it was aborted; the process and its children are gone then.
 */
export async function runPython(
  python: string,
  args: readonly string[],
  options: { readonly signal: AbortSignal; readonly onProgress: (text: string) => void },
): Promise<PythonRun> {
  options.signal.throwIfAborted();
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !withheld.test(name)));
  const child = spawn(python, args, { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const end = () => {
    if (child.pid !== undefined) killGroup(child.pid);
  };
  options.signal.addEventListener('abort', end, { once: true });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() === '') return;
      lines.push(line.slice(0, 500));
      if (lines.length > keptLines) lines.shift();
      options.onProgress(line.slice(0, 500));
    });
  try {
    const code = await new Promise<number | null>((resolve) => {
      child.once('error', (error) => {
        lines.push(error.message);
        resolve(null);
      });
      child.once('close', resolve);
    });
    options.signal.throwIfAborted();
    return { code, lastLines: lines.join('\n') };
  } finally {
    options.signal.removeEventListener('abort', end);
    child.stdin.destroy();
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
