import { readFileSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What some work took. `grownBytes` is how far resident memory rose above where it was before; `peakBytes` its top. Linux alone tells both. */
export type Measured<Value = unknown> = {
  readonly value: Value;
  readonly seconds: number;
  readonly peakBytes: number;
  readonly grownBytes: number;
};

/** Does some work and measures it. The peak of memory is set back first (proc(5): 5 into clear_refs). */
export async function measured<Value>(work: () => Promise<Value>): Promise<Measured<Value>> {
  collectGarbage();
  writeFileSync('/proc/self/clear_refs', '5');
  const before = memoryBytes('VmRSS');
  const started = performance.now();
  const value = await work();
  const seconds = (performance.now() - started) / 1000;
  const peakBytes = memoryBytes('VmHWM');
  return { value, seconds, peakBytes, grownBytes: peakBytes - before };
}

/** Lets go of what no one holds, so that memory says what the work took. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Bytes as MB of a million. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function memoryBytes(name: 'VmRSS' | 'VmHWM'): number {
  const found = new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(found?.[1] ?? 0) * 1024;
}
