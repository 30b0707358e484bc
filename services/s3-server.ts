import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Config, ServiceAddresses } from '../domain/config.ts';
import { embeddedS3 } from './addresses.ts';
import { leanEnvironment } from './embedded-server.ts';
import { runServer, type RunningServer, type ServerKind, type StartOptions } from './embedded-run.ts';
import { choosePort, loopback } from './ports.ts';
import { probeHttp } from './probe.ts';
import { s3Program } from './programs.ts';
import { s3Keys } from './s3-keys.ts';

/** No bucket can have this name, so the path hides none. */
const healthPath = '/_health';

const s3Kind: ServerKind<ServiceAddresses['s3']> = {
  key: 's3',
  title: 'The embedded S3 server',
  program: s3Program,
  binary: (config) => config.s3Binary,
  async ports({ s3 }, remembered) {
    const options = { remembered: remembered?.port ?? null, setting: 'PERDURA_S3_PORT', service: 'S3' };
    return { port: await choosePort(s3.port, options), uiPort: null };
  },
  portsConfigured: ({ s3 }) => s3.port !== null,
  address: (config, { port }) => embeddedS3(config, port, s3Keys(config.homeFolder)),
  spec(config, { program, ports, environment }) {
    const address = `${loopback}:${ports.port}`;
    const data = path.join(config.homeFolder, 's3', 'data');
    const versions = path.join(config.homeFolder, 's3', 'versions');
    for (const folder of [data, versions]) mkdirSync(folder, { recursive: true });
    const flags = { '--port': address, '--region': config.s3.region, '--health': healthPath };
    const keys = s3Keys(config.homeFolder);
    return {
      name: 'versitygw',
      title: this.title,
      homeFolder: config.homeFolder,
      // By environment, because any user of the machine can read a command line.
      environment: {
        ...leanEnvironment(environment),
        ROOT_ACCESS_KEY: keys.accessKeyId,
        ROOT_SECRET_KEY: keys.secretAccessKey,
      },
      command: [
        program,
        ...Object.entries(flags).flat(),
        '--keep-alive',
        '--quiet',
        'posix',
        // versitygw tests a condition first and writes later: with several actions at once two writers win. One at a time, its conditions hold.
        '--concurrency',
        '1',
        '--versioning-dir',
        versions,
        data,
      ],
      probe: () => probeHttp(`http://${address}${healthPath}`),
    };
  },
};

/**
 * Starts the embedded S3 server alone, over `s3/` in the home folder, with keys of its own. It ends with this process, and a new start on
 * the same home folder serves the same objects. The bucket is for the caller to make.
 *
 * @throws CodedError CONFLICT, PORT_IN_USE, DISK_FULL, SERVICE_UNOBTAINABLE, SERVICE_UNAVAILABLE.
 */
export function startS3(config: Config, options: StartOptions): Promise<RunningServer<ServiceAddresses['s3']>> {
  return runServer(s3Kind, config, options);
}
