import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Measured } from './gate-child.ts';
import { drifting, type GateData, gateData, gateRows } from './gate-data.ts';

const rounds = 3;
const sides = ['plain SQL', 'plain SQL without drift', 'best SQL', 'gate', 'gate without drift'];

/**
 * The gate over 10,000,000 rows of 20 columns beside hand-written SQL of the same checks: 20 types, 18 columns without nulls, 11 ranges, 4
 * lists of values, one unique key, and five drift statistics against another file of as many rows. Alternated rounds, each run in a
 * process of its own, after two that fill the file cache.
 */
export async function benchGate(): Promise<void> {
  const data = await gateData();
  const found = new Map<string, Measured[]>(sides.map((side) => [side, []]));
  for (const side of ['plain SQL', 'gate']) await run(side, data);
  for (let round = 0; round < rounds; round += 1) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) found.get(side)?.push(await run(side, data));
  }
  print(found);
  requireSameDrift(found);
}

async function run(side: string, data: GateData): Promise<Measured> {
  const child = fork(fileURLToPath(new URL('./gate-child.js', import.meta.url)), [side, JSON.stringify(data)]);
  const exited = once(child, 'exit');
  const [measured] = (await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => {
      throw new Error(`${side} ended with ${code} and no answer.`);
    }),
  ])) as [Measured];
  await exited;
  if (measured.broken > 0) throw new Error(`${side} found ${measured.broken} broken checks in data that has none.`);
  return measured;
}

function print(found: ReadonlyMap<string, readonly Measured[]>): void {
  const of = (side: string, pick: (one: Measured) => number): readonly number[] => (found.get(side) ?? []).map(pick);
  console.log(
    '| what | seconds: median (min to max) | gate by this | CPU seconds | gate by this | peak memory, MiB |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const side of sides) {
    const ours = side.endsWith('without drift') ? 'gate without drift' : 'gate';
    const cells = (['seconds', 'cpuSeconds'] as const).map((what) => {
      const ratio = median(of(ours, (one) => one[what])) / median(of(side, (one) => one[what]));
      return `${spread(of(side, (one) => one[what]))} | ${ratio.toFixed(2)}`;
    });
    const peak = Math.max(...of(side, ({ peakMiB }) => peakMiB));
    console.log(`| ${side} | ${cells.join(' | ')} | ${peak.toFixed(0)} |`);
  }
  console.log(`\nDrift (${drifting.map(({ statistic }) => statistic).join(', ')}):`);
  for (const side of ['plain SQL', 'best SQL', 'gate']) {
    console.log(
      `- ${side}: ${driftOf(found, side)
        .map((value) => value.toPrecision(6))
        .join(', ')}`,
    );
  }
  console.log(
    `\n${gateRows} rows, ${rounds} alternated rounds; node ${process.version}, ${process.platform}-${process.arch}`,
  );
}

/** The gate and the best SQL count over the same edges: what they find must be the same to the last digits. */
function requireSameDrift(found: ReadonlyMap<string, readonly Measured[]>): void {
  const ours = driftOf(found, 'gate');
  for (const [place, value] of driftOf(found, 'best SQL').entries()) {
    const difference = Math.abs((ours[place] ?? Number.NaN) - value);
    if (!(difference <= 1e-9 * value)) {
      throw new Error(`${drifting[place]?.statistic} is ${ours[place]} to the gate and ${value} to SQL.`);
    }
  }
}

function driftOf(found: ReadonlyMap<string, readonly Measured[]>, side: string): readonly number[] {
  return found.get(side)?.[0]?.drift ?? [];
}

function spread(values: readonly number[]): string {
  return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
