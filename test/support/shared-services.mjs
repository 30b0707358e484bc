// Plain JavaScript, because jest loads its global setup outside the transform; the sources come compiled, from dist.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const variable = 'PERDURA_TEST_SERVICES';
const projectFolder = fileURLToPath(new URL('../..', import.meta.url));
/** Never a server of someone else, whatever the shell that runs the tests has set. */
const foreign =
  /^(TEMPORAL_(ADDRESS|NAMESPACE|API_KEY)|S3_ENDPOINT|AWS_\w+|PERDURA_(HOME|BUCKET|\w+_PORT|TEST_SERVICES))$/;

let running = null;

/**
 * Starts one Temporal and one S3 for the whole test run, under a temporary home folder, and tells their addresses as JSON in
 * PERDURA_TEST_SERVICES. Does nothing where that is set already (by a person who keeps services up) or PERDURA_TEST_EMBEDDED is 'off'.
 */
export async function startSharedServices() {
  if (process.env[variable] !== undefined || process.env['PERDURA_TEST_EMBEDDED'] === 'off') return;
  const [{ readConfig }, { startServices }] = await Promise.all([
    compiled('project/config'),
    compiled('services/start'),
  ]);
  const homeFolder = await mkdtemp(path.join(tmpdir(), 'perdura-test-'));
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  const config = readConfig({ ...environment, PERDURA_HOME: homeFolder }, projectFolder);
  try {
    const services = await startServices(config, { onProgress: (line) => process.stderr.write(`${line}\n`) });
    running = { services, homeFolder };
    process.env[variable] = JSON.stringify(services.addresses);
  } catch (error) {
    await rm(homeFolder, { recursive: true, force: true });
    throw error;
  }
}

/** Stops what `startSharedServices` started and removes its state. */
export async function stopSharedServices() {
  if (running === null) return;
  const { services, homeFolder } = running;
  running = null;
  delete process.env[variable];
  await services.stop();
  await rm(homeFolder, { recursive: true, force: true });
}

async function compiled(file) {
  try {
    return await import(`../../dist/${file}.js`);
  } catch (error) {
    throw new Error(`dist/${file}.js cannot be loaded. Run 'npx tsc -b' before the tests.`, { cause: error });
  }
}
