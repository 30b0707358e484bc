// A parent of the embedded services, to be killed: starts them from dist in the home folder of its first argument and tells the pids.
import { readConfig } from '../../dist/project/config.js';
import { startServices } from '../../dist/services/start.js';
import { readState } from '../../dist/services/state.js';

const [, , homeFolder = ''] = process.argv;
const config = readConfig({ ...process.env, PERDURA_HOME: homeFolder }, homeFolder);
const services = await startServices(config, { onProgress: () => undefined });
const { temporal, s3 } = readState(homeFolder);
process.on('SIGUSR2', () => void services.stop().then(() => process.exit(0)));
// Holds this process alive, as a worker would.
setInterval(() => undefined, 60_000);
process.stdout.write(`${JSON.stringify({ temporal: temporal?.process?.pid, s3: s3?.process?.pid })}\n`);
