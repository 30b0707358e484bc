/** Runs each side once to warm up, then in alternated order, so that what else the machine does falls on all alike; returns seconds. */
export async function alternated(
  rounds: number,
  sides: Readonly<Record<string, () => Promise<void>>>,
): Promise<Readonly<Record<string, readonly number[]>>> {
  const entries = Object.entries(sides);
  const seconds: Record<string, number[]> = Object.fromEntries(entries.map(([name]) => [name, []]));
  for (const [, run] of entries) await run();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of round % 2 === 0 ? entries : entries.toReversed()) {
      const began = performance.now();
      await run();
      seconds[name]?.push((performance.now() - began) / 1_000);
    }
  }
  return seconds;
}

/** The middle value; of an even number the upper of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
