import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkFiles } from '../../activities/gate/check-files.ts';
import { openTables, type Tables } from '../../stores/tables.ts';
import { type GateData, gateSchema, readReference } from './gate-data.ts';
import { type Answer, plainSql, storedEdgesSql } from './gate-sql.ts';

/** One side's one run: seconds of the work itself, by the clock and of the processors, and the most memory that its process ever held. */
export type Measured = Answer & { readonly seconds: number; readonly cpuSeconds: number; readonly peakMiB: number };

/** Each gets the same DuckDB as the gate has in production: two threads, 768 MiB. */
const sides: Readonly<Record<string, (tables: Tables, data: GateData, folder: string) => Promise<Answer>>> = {
  'plain SQL': (tables, data) => plainSql(tables, data, 'with'),
  'plain SQL without drift': (tables, data) => plainSql(tables, data, 'without'),
  'best SQL': async (tables, data) => storedEdgesSql(tables, data, await readReference(data.statistics)),
  gate: (tables, data, folder) => gate(tables, { data, folder, drift: 'with' }),
  'gate without drift': (tables, data, folder) => gate(tables, { data, folder, drift: 'without' }),
};

const [, , name = '', given = '{}'] = process.argv;
const side = sides[name];
if (side === undefined) throw new Error(`No side '${name}'.`);
const folder = await mkdtemp(join(tmpdir(), 'perdura-bench-gate-run-'));
const tables = await openTables({ temporaryFolder: join(folder, 'spill') });
try {
  const began = { clock: performance.now(), cpu: process.cpuUsage() };
  const answer = await side(tables, JSON.parse(given) as GateData, folder);
  const seconds = (performance.now() - began.clock) / 1_000;
  const { user, system } = process.cpuUsage(began.cpu);
  const measured: Measured = { ...answer, seconds, cpuSeconds: (user + system) / 1e6, peakMiB: await peakMiB() };
  process.send?.(measured);
} finally {
  tables.close();
  await rm(folder, { recursive: true, force: true });
}

async function gate(
  own: Tables,
  work: { readonly data: GateData; readonly folder: string; readonly drift: 'with' | 'without' },
): Promise<Answer> {
  const found = await checkFiles(own, {
    files: [{ key: 'current.parquet', path: work.data.current }],
    schema: gateSchema(work),
    environment: 'training',
    now: new Date().toISOString(),
    previousRows: null,
    reference: async () => ({ name: 'reference', statistics: await readReference(work.data.statistics) }),
    referenceFiles: async () => null,
    rowChecks: null,
    folder: work.folder,
  });
  return { broken: found.violations.length, drift: found.distributions.map(({ value }) => value ?? Number.NaN) };
}

/** Linux keeps the high-water mark of the process; elsewhere the runtime's own figure has to do. */
async function peakMiB(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const kib = /VmHWM:\s+(\d+)/.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
  return Number(kib) / 1_024;
}
