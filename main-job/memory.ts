import { readFile, readdir } from 'node:fs/promises';

/** Watches how much memory this process and all its descendants use together. */
export type MemoryWatch = { readonly peakBytes: () => number | null; stop(): void };

/**
 * Samples the proportional set size (Linux: shared pages counted once over all processes) every second. On other systems there is no such
 * figure and the peak stays null.
 */
export function watchMemory(): MemoryWatch {
  let peak: number | null = null;
  let busy = false;
  const sample = async () => {
    if (busy) return;
    busy = true;
    const bytes = await treeBytes(process.pid);
    if (bytes !== null) peak = Math.max(peak ?? 0, bytes);
    busy = false;
  };
  const timer = setInterval(() => void sample(), 1_000);
  timer.unref();
  return { peakBytes: () => peak, stop: () => clearInterval(timer) };
}

async function treeBytes(root: number): Promise<number | null> {
  if (process.platform !== 'linux') return null;
  const parents = await parentsByPid();
  const tree = [...parents.keys()].filter((pid) => descends(pid, root, parents));
  const sizes = await Promise.all(tree.map(proportionalBytes));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function parentsByPid(): Promise<ReadonlyMap<number, number>> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const pairs = await Promise.all(
    pids.map(async (pid): Promise<[number, number]> => {
      const stat = await readOrEmpty(`/proc/${pid}/stat`);
      return [pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0)];
    }),
  );
  return new Map(pairs);
}

function descends(pid: number, root: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at = pid; at > 0; at = parents.get(at) ?? 0) if (at === root) return true;
  return false;
}

async function proportionalBytes(pid: number): Promise<number> {
  const line = /^Pss:\s+(\d+) kB/m.exec(await readOrEmpty(`/proc/${pid}/smaps_rollup`));
  return Number(line?.[1] ?? 0) * 1024;
}

/** A process may end between the listing and the reading. */
async function readOrEmpty(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
