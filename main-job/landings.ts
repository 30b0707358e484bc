import type { Scene } from './scene.ts';
import type { TrafficProcess } from './traffic-process.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { materialize } from '../stores/online/materialize.ts';
import { openTables, type Tables } from '../stores/tables.ts';
import { type Month, monthFile, months as allMonths } from './months.ts';

/** Brings the flights of some months, in order of time, into the online store that the model server reads. */
export type LandingsFeed = {
  /** Brings the first days, so that traffic may begin; gives the moment that it has come to, ISO 8601. */
  begin(): Promise<string>;
  /** Keeps ahead of the traffic's clock and lets it go on, until the months are over or the traffic has ended. */
  follow(traffic: TrafficProcess): Promise<void>;
};

const dayMs = 86_400_000;
/** What aggregates reach back to before the first request: a day, and the gap. */
const historyDays = 2;
/** A request as of T reads no flight after T less the gap, so being ahead changes no answer: it only keeps traffic from waiting. */
const aheadDays = 3;

/**
 * Makes the feed that an airline would have: flights, with their delays, a day at a time. Traffic is never let past what is in the store, so
 * a slow machine slows the client down and does not make serving differ from training.
 */
export function createLandingsFeed(scene: Scene, months: readonly Month[]): LandingsFeed {
  const first = Date.parse(`${months[0]}-01T00:00:00Z`);
  const last = afterMonth(months.at(-1) ?? '2001-06');
  let fed = first - historyDays * dayMs;
  const bring = async (until: number): Promise<void> => {
    const tables = await openTables({ memoryLimit: '256MiB', threads: 1 });
    try {
      for (; fed < until; fed += dayMs) await bringDay(scene, tables, fed);
    } finally {
      tables.close();
    }
  };
  return {
    async begin() {
      await bring(Math.min(last, first + aheadDays * dayMs));
      return new Date(fed).toISOString();
    },
    async follow(traffic) {
      while (fed < last && !traffic.hasEnded()) {
        const { clock } = traffic.report();
        const until = Math.min(last, Math.floor(Date.parse(clock || toIso(first)) / dayMs + 1 + aheadDays) * dayMs);
        if (until <= fed) {
          await pause(50);
          continue;
        }
        await bring(Math.min(until, fed + dayMs));
        traffic.allow(toIso(fed));
      }
    },
  };
}

async function bringDay(scene: Scene, tables: Tables, day: number): Promise<void> {
  const month = toIso(day).slice(0, 7);
  const known = allMonths.find((each) => each === month);
  // Before January there is nothing to bring.
  if (known === undefined) return;
  const { aggregates, online } = scene.features;
  const parquetFiles = [monthFile(scene.dataFolder, known)];
  const [since, until] = [toIso(day), toIso(day + dayMs)];
  await materialize(tables, online, { aggregates, parquetFiles, since, until });
}

function afterMonth(month: Month): number {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return Date.UTC(year, number, 1);
}

const toIso = (time: number): string => new Date(time).toISOString();
