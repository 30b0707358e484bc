import { cp } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { openStage, sealed, startRun } from './harness.ts';
import { addFlights, cutFlights } from './flights.ts';
import { writeCardProject } from './card-project.ts';
test('lab', async () => {
  const stage = await openStage(writeCardProject);
  try {
    const data = await addFlights(stage, await cutFlights(stage.projectFolder, 1, 20_000));
    for (const trainer of ['dense', 'program']) {
      const run = await startRun(stage, 'punctual', `punctual/${trainer}`, { data, trainer, epochs: 3 });
      console.log(trainer, await sealed(stage, run), JSON.stringify(await run.handle.result().catch((e) => String(e.cause?.cause ?? e.cause))));
    }
    await stage.killS3();
    execFileSync('cp', ['-a', stage.homeFolder, '/tmp/j/home']);
    await cp(stage.projectFolder, '/tmp/j/p', { recursive: true, verbatimSymlinks: true });
  } finally { await stage.close(); }
}, 400_000);
