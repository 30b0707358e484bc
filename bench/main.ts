import { orchestration } from './orchestration/orchestration.ts';

const benches: Readonly<Record<string, () => Promise<void>>> = { orchestration };

/** `npm run bench -- <name>`: measures one part against its floor in the same run and prints the figures. */
const name = process.argv[2] ?? '';
const bench = benches[name];
if (bench === undefined) {
  console.error(`No bench '${name}'. There is: ${Object.keys(benches).join(', ')}.`);
  process.exit(2);
}
await bench();
