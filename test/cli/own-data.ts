import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { literal, openTables } from '../../stores/tables.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));

/** npm package vega-datasets 3.2.1. */
const vega = (file: string): string => literal(join(checkout, 'node_modules/vega-datasets/data', file));

/** Real penguins (three species; some were not measured) and real cars (miles per gallon; six without horsepower) as CSV. */
export async function writeRealData(folder: string): Promise<void> {
  const tables = await openTables();
  try {
    for (const name of ['penguins', 'cars'])
      await tables.all(
        `COPY (SELECT * FROM read_json(${vega(`${name}.json`)})) TO ${literal(join(folder, `${name}.csv`))} (HEADER)`,
      );
  } finally {
    tables.close();
  }
}

/**
 * Made-up customers with all that data of people has: a key, a date, categories, missing values, a long tail, a column that is always the same,
 * and one that is only filled once the customer has left.
 */
export async function writeCustomers(file: string, rows = 1_500): Promise<void> {
  const random = generator(7);
  const lines = ['customer id;signed up;plan;age;income;support calls;region;country;cancelled at;churned'];
  for (let place = 0; place < rows; place += 1) {
    const plan = ['basic', 'plus', 'pro'][Math.floor(random() * 3)] ?? '';
    const age = random() < 0.1 ? null : Math.floor(18 + 60 * random());
    const income = Math.round(Math.exp(9 + 2.4 * (random() + random() + random() - 1.5)));
    const calls = Math.floor(random() ** 3 * 8);
    const tendency = -1 + (plan === 'basic' ? 1.2 : 0) + 0.6 * calls - 0.02 * (age ?? 45);
    const left = random() < 1 / (1 + Math.exp(-tendency));
    const date = new Date(Date.parse('2026-01-01') + Math.floor(place / 5) * 86_400_000).toISOString().slice(0, 10);
    const region = random() < 0.2 ? '' : (['north', 'south', 'east'][Math.floor(random() * 3)] ?? '');
    const values = [
      100_000 + place * 7,
      date,
      plan,
      age ?? '',
      income,
      calls,
      region,
      'DE',
      left ? date : '',
      left ? 1 : 0,
    ];
    lines.push(values.join(';'));
  }
  await writeFile(file, `${lines.join('\n')}\n`);
}

/** A linear congruential generator (Numerical Recipes): the same on every machine. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What `npm install` would bring, linked instead: this checkout and the types of its tools. */
export async function linkPackages(project: string): Promise<void> {
  await mkdir(join(project, 'node_modules'), { recursive: true });
  await symlink(checkout, join(project, 'node_modules/perdura'));
  await symlink(join(checkout, 'node_modules/@types'), join(project, 'node_modules/@types'));
}
