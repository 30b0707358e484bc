import { connect, createServer } from 'node:net';
import { CodedError } from '../domain/errors.ts';

/** Embedded servers listen here only. */
export const loopback = '127.0.0.1';

/** Whether a port of this machine can be listened on now. */
export async function isFree(port: number): Promise<boolean> {
  return (await listen(port)) === port;
}

/** A port that nobody listens on now, chosen by the system. */
export async function freePort(): Promise<number> {
  const port = await listen(0);
  if (port !== null) return port;
  throw new CodedError('PORT_IN_USE', `No port of ${loopback} is free. End some programs that listen there.`);
}

/**
 * The port for a server: the configured one, or the one it had before where that is free, or any free one.
 *
 * @throws CodedError PORT_IN_USE naming the configured port and its setting.
 */
export async function choosePort(
  configured: number | null,
  options: { readonly remembered: number | null; readonly setting: string; readonly service: string },
): Promise<number> {
  if (configured === null) {
    const { remembered } = options;
    return remembered !== null && (await isFree(remembered)) ? remembered : freePort();
  }
  if (await isFree(configured)) return configured;
  throw portInUse(configured, options);
}

/** The one message of a taken port. */
export function portInUse(port: number, options: { readonly setting: string; readonly service: string }): CodedError {
  return new CodedError(
    'PORT_IN_USE',
    `Port ${port} for ${options.service} is taken by another process, or not allowed to this user. Set ${options.setting} to another port, or unset it to take a free one.`,
    { details: { port, setting: options.setting } },
  );
}

/** Whether something accepts connections at an address, within a second. */
export function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const end = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

/** The port on which listening worked, null when it did not. */
function listen(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ host: loopback, port }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null));
    });
  });
}
