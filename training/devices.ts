import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Device } from '../domain/device.ts';
import { CodedError } from '../domain/errors.ts';

const fields = ['uuid', 'index', 'name', 'memory.total', 'memory.free', 'driver_version'];

/**
 * The devices of this machine, as `nvidia-smi` tells them; none where there is no such program. A driver that does not answer is told by
 * `onProblem` and counts as no device: a worker that polls for other work goes on.
 */
export async function readDevices(options: {
  readonly onProblem: (text: string) => void;
  /** Another program than the one on the PATH. */
  readonly program?: string;
}): Promise<readonly Device[]> {
  const program = options.program ?? 'nvidia-smi';
  try {
    const query = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
    const { stdout } = await promisify(execFile)(program, query, { timeout: 20_000, killSignal: 'SIGKILL' });
    return parseDevices(stdout);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    options.onProblem(`${program} does not tell the devices of this machine: ${reasonOf(error)}`);
    return [];
  }
}

/**
 * Reads the rows of `nvidia-smi --query-gpu=… --format=csv,noheader,nounits`; memory is in MiB.
 *
 * @throws CodedError DATA_UNREADABLE naming the row that is not of that form.
 */
export function parseDevices(text: string): readonly Device[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parseDevice);
}

function parseDevice(line: string): Device {
  const cells = line.split(',').map((cell) => cell.trim());
  // A name may hold a comma; what stands before and behind it may not.
  const [uuid = '', index = ''] = cells;
  const [total = '', free = '', driver = ''] = cells.slice(-3);
  const name = cells.slice(2, -3).join(', ');
  if (cells.length < fields.length || ![index, total, free].every((cell) => /^\d+$/.test(cell)))
    throw new CodedError(
      'DATA_UNREADABLE',
      `nvidia-smi told '${line.trim()}', which is not ${fields.join(', ')}. Look at the device with 'nvidia-smi'.`,
    );
  return { uuid, index: Number(index), name, memoryMiB: Number(total), freeMiB: Number(free), driver };
}

/** nvidia-smi says on stdout why it fails. */
function reasonOf(error: unknown): string {
  const told =
    error instanceof Error && 'stdout' in error && typeof error.stdout === 'string' ? error.stdout.trim() : '';
  return told === '' ? (error instanceof Error ? error.message : String(error)) : told;
}
