import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';

/** A Unix socket that is listened on, and its open connections. */
export type Listener = { readonly server: Server; readonly open: ReadonlySet<Socket> };

/** Listens on a path, also where a killed process left its socket there. @throws the system's error when that cannot be. */
export async function listenOn(path: string, onSocket: (socket: Socket) => void): Promise<Listener> {
  await rm(path, { force: true });
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    // The other side may end at any time; `close` follows.
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
    onSocket(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { server, open };
}

/** Takes no more connections; waits until the open ones end, and ends them after so long. */
export async function closeListener(
  { server, open }: Listener,
  { atMostMs }: { readonly atMostMs: number },
): Promise<void> {
  const timer = setTimeout(() => {
    for (const socket of open) socket.destroy();
  }, atMostMs);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearTimeout(timer);
}
