import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The process that trains for a worker; null: none now. */
export async function trainerOf(workerPid: number): Promise<number | null> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  const line = stdout.split('\n').find((each) => {
    const [, parent, ...words] = each.trim().split(/\s+/);
    return parent === String(workerPid) && words.join(' ').includes('trainer-process');
  });
  return line === undefined ? null : Number(line.trim().split(/\s+/)[0]);
}
