import type { Config, ServiceAddresses } from '../domain/config.ts';
import { embeddedS3, embeddedTemporal, givenS3, givenTemporal } from './addresses.ts';
import { probeHttp, probeTemporal } from './probe.ts';
import { isAlive } from './process-identity.ts';
import { s3Keys } from './s3-keys.ts';
import { readState, type ServerState } from './state.ts';

/**
 * The services that a command can use now, without starting any: those that the configuration names, and for the others the embedded ones
 * that another process runs on the same home folder. Null when one of them does not run; entries of processes that died do not count.
 */
export async function findServices(config: Config): Promise<ServiceAddresses | null> {
  const state = readState(config.homeFolder);
  const [temporal, s3] = await Promise.all([
    givenTemporal(config) ?? findTemporal(config, state.temporal),
    givenS3(config) ?? findS3(config, state.s3),
  ]);
  return temporal === null || s3 === null ? null : { temporal, s3 };
}

async function findTemporal(config: Config, server: ServerState | null): Promise<ServiceAddresses['temporal'] | null> {
  if (!lives(server)) return null;
  const address = embeddedTemporal(config, { port: server.port, uiPort: server.uiPort ?? 0 });
  return (await probeTemporal(address)) === null ? address : null;
}

async function findS3(config: Config, server: ServerState | null): Promise<ServiceAddresses['s3'] | null> {
  if (!lives(server)) return null;
  const address = embeddedS3(config, server.port, s3Keys(config.homeFolder));
  return (await probeHttp(address.endpoint ?? '')) === null ? address : null;
}

function lives(server: ServerState | null): server is ServerState {
  return server !== null && server.process !== null && isAlive(server.process);
}
