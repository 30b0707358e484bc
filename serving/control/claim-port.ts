import { createServer, type Server } from 'node:net';
import { CodedError } from '../../domain/errors.ts';

/** A port that is wanted, null for any; `setting` is what a person can change. */
export type WantedPort = { readonly port: number | null; readonly setting: string };

/**
 * The numbers of ports that are free, each another. They are settled once, before processes are forked, so that they stay the same when
 * processes are replaced.
 *
 * @throws CodedError PORT_IN_USE naming the setting; CONFIG_INVALID where this machine has no such address.
 */
export async function claimPorts(host: string, wanted: readonly WantedPort[]): Promise<readonly number[]> {
  const probes: Server[] = [];
  try {
    for (const each of wanted) probes.push(await probe(host, each));
    return probes.map((server) => {
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    });
  } finally {
    await Promise.all(probes.map((server) => new Promise((closed) => server.close(closed))));
  }
}

function probe(host: string, wanted: WantedPort): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? portInUse(wanted) : unusable(host, wanted, error));
    });
    server.listen({ host, port: wanted.port ?? 0 }, () => resolve(server));
  });
}

/** For a port that another process has. */
export function portInUse({ port, setting }: WantedPort): CodedError {
  return new CodedError(
    'PORT_IN_USE',
    `Port ${String(port)} of the model server is taken by another process. Choose another (${setting}) or leave it out.`,
    { details: { port } },
  );
}

function unusable(host: string, { port, setting }: WantedPort, cause: Error): CodedError {
  return new CodedError(
    'CONFIG_INVALID',
    `The model server cannot listen on ${host}, port ${String(port ?? 'any')} (${cause.message}). Correct PERDURA_SERVING_HOST or ${setting}.`,
    { cause },
  );
}
