import type { Config } from '../domain/config.ts';
import { type CodedError, isCoded } from '../domain/errors.ts';
import { folderError, requireSpace } from './disk.ts';
import { claimState, type EmbeddedServer, type EmbeddedSpec, endLeftover, startEmbedded } from './embedded-server.ts';
import { type Keeper, openKeeper } from './kept-servers.ts';
import type { ServerProgram } from './programs.ts';
import { resolveProgram } from './resolve.ts';
import { readState, type ServicesState, writeServerState } from './state.ts';

/** What a start is told beside the configuration. */
export type StartOptions = {
  readonly onProgress: (line: string) => void;
  /** What child programs inherit: PATH, HOME, GOPROXY. This process's own when left out. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Several servers under one keeper; without it the server gets its own. */
  readonly keeper?: Keeper;
};

/** An embedded server that runs; `Address` is its part of ServiceAddresses. It owns processes: stop it. */
export type RunningServer<Address> = {
  readonly address: Address;
  readonly pid: number;
  /** Resolves when the server ends without having been asked to. */
  readonly failure: Promise<CodedError>;
  /** In order: SIGTERM, and after some seconds SIGKILL. A new start on the same home folder finds its state and its port again. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would be. */
  kill(): Promise<void>;
};

/** The ports of one server; `uiPort` of Temporal only. */
export type ServerPorts = { readonly port: number; readonly uiPort: number | null };

/** What differs between the two servers. */
export type ServerKind<Address> = {
  readonly key: keyof ServicesState;
  readonly title: string;
  readonly program: ServerProgram;
  binary(config: Config): string | null;
  ports(config: Config, remembered: ServerPorts | null): Promise<ServerPorts>;
  /** Whether a person chose the ports: then another one must not be taken in silence. */
  portsConfigured(config: Config): boolean;
  address(config: Config, ports: ServerPorts): Address;
  spec(
    config: Config,
    given: { readonly program: string; readonly ports: ServerPorts; readonly environment: NodeJS.ProcessEnv },
  ): EmbeddedSpec;
};

/** A start needs room for the state of a few runs, not only for the first byte. */
const neededBytes = 128 * 1_048_576;
const portTries = 3;

/** Runs one embedded server on the state of the home folder. */
export async function runServer<Address>(
  kind: ServerKind<Address>,
  config: Config,
  options: StartOptions,
): Promise<RunningServer<Address>> {
  const environment = options.environment ?? process.env;
  const { homeFolder } = config;
  const program = await resolveProgram(kind.program, {
    binary: kind.binary(config),
    cacheFolder: config.cacheFolder,
    environment,
    onProgress: options.onProgress,
  });
  await requireSpace(homeFolder, neededBytes, 'PERDURA_HOME');
  const claim = claimed(kind, homeFolder);
  let keeper: Keeper | null = null;
  try {
    keeper = options.keeper ?? (await openKeeper(environment));
    const leftover = readState(homeFolder)[kind.key]?.process ?? null;
    if (leftover !== null) await endLeftover(leftover);
    const { server, ports } = await startOnPorts(kind, config, { keeper, program: program.path, environment });
    const own = options.keeper === undefined ? keeper : null;
    void server.exited.then(() => claim.release());
    return running(kind, config, { server, ports, ownKeeper: own });
  } catch (error) {
    if (options.keeper === undefined) await keeper?.close();
    claim.release();
    throw folderError(error, homeFolder, 'PERDURA_HOME');
  }
}

function claimed<Address>(kind: ServerKind<Address>, homeFolder: string): { release(): void } {
  try {
    return claimState(homeFolder, kind.program.name, kind.title);
  } catch (error) {
    throw folderError(error, homeFolder, 'PERDURA_HOME');
  }
}

/** Between looking at a free port and listening on it another program may take it: then another free one is tried. */
async function startOnPorts<Address>(
  kind: ServerKind<Address>,
  config: Config,
  given: { readonly keeper: Keeper; readonly program: string; readonly environment: NodeJS.ProcessEnv },
): Promise<{ server: EmbeddedServer; ports: ServerPorts }> {
  for (let attempt = 1; ; attempt += 1) {
    const ports = await kind.ports(config, readState(config.homeFolder)[kind.key]);
    const spec = kind.spec(config, { program: given.program, ports, environment: given.environment });
    try {
      // Written before it serves: should this process die now, the next start finds what it has to end.
      const server = await startEmbedded(given.keeper, spec, (own) =>
        writeServerState(config.homeFolder, kind.key, { process: own, ...ports }),
      );
      return { server, ports };
    } catch (error) {
      if (attempt === portTries || kind.portsConfigured(config) || !isCoded(error, 'PORT_IN_USE')) throw error;
    }
  }
}

function running<Address>(
  kind: ServerKind<Address>,
  config: Config,
  own: { readonly server: EmbeddedServer; readonly ports: ServerPorts; readonly ownKeeper: Keeper | null },
): RunningServer<Address> {
  const { server, ports, ownKeeper } = own;
  return {
    address: kind.address(config, ports),
    pid: server.process.pid,
    failure: server.failure,
    async stop() {
      await server.stop();
      await ownKeeper?.close();
      writeServerState(config.homeFolder, kind.key, { process: null, ...ports });
    },
    async kill() {
      await server.kill();
      await ownKeeper?.close();
    },
  };
}
