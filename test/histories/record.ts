// Records the histories of the flights pipeline that test/workflows/replay-histories.test.ts replays. They are recorded anew only where the
// pipeline itself is changed on purpose in a way that `patched()` cannot bridge, never to please a test:
//
//   npx tsc -b && NODE_OPTIONS=--experimental-vm-modules npx jest --testMatch '**/test/histories/record.ts'
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { literal, openTables } from '../../stores/tables.ts';
import { addFlights, cutFlights, startTraffic } from '../end-to-end/flights.ts';
import { openStage, sealed, type Stage, type Started, startRun } from '../end-to-end/harness.ts';
import { checkout } from '../end-to-end/project.ts';
import { removeFolders, temporaryFolder } from '../support/embedded.ts';

const wholeMonth = 1_000_000;
const limit = 300_000;

test(
  'a promoted run with shadow and canary, a rejected one, and one that was stopped at the gate',
  async () => {
    const folder = temporaryFolder();
    const stage = await openStage(checkout);
    try {
      const run = async (name: string, file: string): Promise<Started> => {
        const started = await startRun(stage, 'flights', `flights/${name}`, { data: await addFlights(stage, file) });
        await sealed(stage, started);
        return started;
      };
      await run('first', await cutFlights(folder, 1, wholeMonth));
      const traffic = await startTraffic(stage, await cutFlights(folder, 3, 5_000), 400);
      await keep(stage, 'promoted', await run('promoted', await cutFlights(folder, 2, wholeMonth)));
      await traffic.stop();
      expect(traffic.failures).toEqual([]);
      await keep(stage, 'rejected', await run('rejected', await cutFlights(folder, 4, 5_000)));
      await keep(stage, 'stopped-at-the-gate', await run('stopped-at-the-gate', await withoutOrigin(folder)));
    } finally {
      await stage.close();
      await removeFolders();
    }
  },
  limit,
);

/** Stack traces name folders of this machine and matter to no replay. */
async function keep(stage: Stage, name: string, { key }: Started): Promise<void> {
  const history = await stage.client.workflow.getHandle(key.workflowId, key.runId).fetchHistory();
  const text = JSON.stringify(JSON.parse(historyToJSON(history)), (field, value: unknown) =>
    field === 'stackTrace' ? '' : value,
  );
  await writeFile(fileURLToPath(new URL(`./flights-${name}.json`, import.meta.url)), `${text}\n`);
}

async function withoutOrigin(folder: string): Promise<string> {
  const file = join(folder, 'flights-without-origin.parquet');
  const tables = await openTables();
  try {
    const source = literal(join(folder, 'flights-2001-04.parquet'));
    await tables.all(`COPY (SELECT * EXCLUDE (origin) FROM read_parquet(${source})) TO ${literal(file)}`);
    return file;
  } finally {
    tables.close();
  }
}
