import path from 'node:path';
import type { Config, ServiceAddresses } from '../domain/config.ts';
import { embeddedTemporal } from './addresses.ts';
import { leanEnvironment } from './embedded-server.ts';
import { runServer, type RunningServer, type ServerKind, type StartOptions } from './embedded-run.ts';
import { choosePort, loopback } from './ports.ts';
import { probeTemporal } from './probe.ts';
import { temporalProgram } from './programs.ts';

/**
 * One history shard polls its queues 20 times a second by default, which makes a sequential step take about 95 ms; with these it is
 * about 10 ms.
 */
const dynamicConfig = [
  'history.transferProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxPollRPS=2000',
  'history.visibilityProcessorMaxPollRPS=2000',
  'system.enableActivityEagerExecution=true',
];

const service = 'Temporal';

const temporalKind: ServerKind<ServiceAddresses['temporal']> = {
  key: 'temporal',
  title: 'The embedded Temporal server',
  program: temporalProgram,
  binary: (config) => config.temporalBinary,
  async ports({ temporal }, remembered) {
    const setting = 'PERDURA_TEMPORAL_PORT';
    const uiSetting = 'PERDURA_TEMPORAL_UI_PORT';
    const port = await choosePort(temporal.port, { remembered: remembered?.port ?? null, setting, service });
    const ui = { remembered: remembered?.uiPort ?? null, setting: uiSetting, service: "Temporal's web UI" };
    return { port, uiPort: await choosePort(temporal.uiPort, ui) };
  },
  portsConfigured: ({ temporal }) => temporal.port !== null || temporal.uiPort !== null,
  address: (config, { port, uiPort }) => embeddedTemporal(config, { port, uiPort: uiPort ?? 0 }),
  spec(config, { program, ports, environment }) {
    const { namespace } = config.temporal;
    const flags = {
      '--ip': loopback,
      '--port': String(ports.port),
      '--ui-port': String(ports.uiPort),
      '--db-filename': path.join(config.homeFolder, 'temporal.db'),
      ...(namespace === 'default' ? {} : { '--namespace': namespace }),
    };
    const dynamic = dynamicConfig.flatMap((value) => ['--dynamic-config-value', value]);
    return {
      name: 'temporal',
      title: this.title,
      homeFolder: config.homeFolder,
      environment: leanEnvironment(environment),
      command: [program, 'server', 'start-dev', '--log-level', 'warn', ...Object.entries(flags).flat(), ...dynamic],
      probe: () => probeTemporal({ address: `${loopback}:${ports.port}`, namespace, apiKey: null }),
    };
  },
};

/**
 * Starts the embedded Temporal dev server alone, with its state in `temporal.db` and its web UI on. It ends with this process, and a new
 * start on the same home folder goes on where the last one ended.
 *
 * @throws CodedError CONFLICT, PORT_IN_USE, DISK_FULL, SERVICE_UNOBTAINABLE, SERVICE_UNAVAILABLE.
 */
export function startTemporal(
  config: Config,
  options: StartOptions,
): Promise<RunningServer<ServiceAddresses['temporal']>> {
  return runServer(temporalKind, config, options);
}
