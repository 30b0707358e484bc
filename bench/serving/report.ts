import { median } from '../data/rounds.ts';
import type { Rounds, SideRound } from './measure.ts';
import { pairs } from './sides.ts';

/** `session.run` in a loop, CPU milliseconds by rows. */
export function printFloors(cpuMsByRows: ReadonlyMap<number, number>): void {
  for (const [rows, cpuMs] of cpuMsByRows) {
    console.log(`session.run in a loop, ${rows} ${rows === 1 ? 'row' : 'rows'}: ${cpuMs.toFixed(4)} ms CPU a run`);
  }
}

/** Each side beside its floor; the ratio is of the medians of CPU time a request. */
export function printPairs(rounds: Rounds): void {
  console.log(
    '\n| closed loop | requests/s | p50, p95, p99 ms | CPU ms a request: median (min to max) | of it control | floor: CPU ms | floor: requests/s | ratio of CPU |\n| --- | --- | --- | --- | --- | --- | --- | --- |',
  );
  for (const { server, floor } of pairs) {
    const [ours, bare] = [rounds.get(server.name) ?? [], rounds.get(floor.name) ?? []];
    const ratio = middle(ours, cpu) / middle(bare, cpu);
    console.log(
      `| ${server.name} | ${perSecond(ours)} | ${latencies(ours)} | ${spread(ours, cpu)} | ${middle(ours, control).toFixed(4)} | ${spread(bare, cpu)} | ${perSecond(bare)} | ${ratio.toFixed(2)} |`,
    );
  }
}

/** A fixed rate: latency, and how much of the machine it takes. */
export function printAtRate(rounds: Rounds, requestsPerMinute: number): void {
  console.log(
    `\n| at ${requestsPerMinute.toLocaleString('en')} requests a minute | p50, p95, p99 ms | CPU ms a request | share of the machine |\n| --- | --- | --- | --- |`,
  );
  for (const [name, all] of rounds) {
    const share = spread(all, ({ machineShare }) => machineShare);
    console.log(`| ${name} | ${latencies(all)} | ${middle(all, cpu).toFixed(3)} | ${share} |`);
  }
  const p99 = (name: string): number => middle(rounds.get(name) ?? [], ({ p99Ms }) => p99Ms);
  const moved = p99('REST JSON, 1 row, with a shadow') / p99('REST JSON, 1 row');
  console.log(`\nThe live p99 with a shadow is ${moved.toFixed(2)} times that without. Goal: under 1.10.`);
}

export function printRestarts(milliseconds: readonly number[]): void {
  const all = milliseconds.map((each) => (each / 1_000).toFixed(2)).join(', ');
  console.log(`\nReady after a restart, packages on the disk: ${all} s. Goal: under 2.`);
}

const cpu = ({ cpuMs }: SideRound): number => cpuMs;
const control = ({ controlMs }: SideRound): number => controlMs;

function middle(rounds: readonly SideRound[], pick: (round: SideRound) => number): number {
  return median(rounds.map(pick));
}

function spread(rounds: readonly SideRound[], pick: (round: SideRound) => number): string {
  const values = rounds.map(pick);
  return `${median(values).toFixed(4)} (${Math.min(...values).toFixed(4)} to ${Math.max(...values).toFixed(4)})`;
}

function latencies(rounds: readonly SideRound[]): string {
  const picks = [({ p50Ms }: SideRound) => p50Ms, ({ p95Ms }: SideRound) => p95Ms, ({ p99Ms }: SideRound) => p99Ms];
  return picks.map((pick) => middle(rounds, pick).toFixed(2)).join(', ');
}

function perSecond(rounds: readonly SideRound[]): string {
  return middle(rounds, ({ requests, seconds }) => requests / seconds).toFixed(0);
}
