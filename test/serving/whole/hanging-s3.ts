import { connect, createServer, type Socket } from 'node:net';

import type { TestS3 } from '../../support/test-s3.ts';

/** Stands before an S3 and can stop to pass bytes on: requests are taken and never answered, as behind a network that drops packets. */
export type HangingS3 = TestS3 & {
  hang(): void;
  /** Passes on what comes on new connections again; those that hung stay silent. */
  pass(): void;
};

/** Opens it; `stop` ends the S3 behind it too. */
export async function hangingS3(behind: TestS3): Promise<HangingS3> {
  const { hostname, port } = new URL(behind.s3.endpoint ?? '');
  const open = new Set<Socket>();
  let hangs = false;
  const server = createServer((client) => {
    open.add(client);
    client.on('error', () => undefined).once('close', () => open.delete(client));
    if (hangs) return void client.resume();
    const s3 = connect(Number(port), hostname);
    s3.on('error', () => undefined).once('close', () => client.destroy());
    client.once('close', () => s3.destroy());
    client.on('data', (bytes) => !hangs && s3.write(bytes));
    s3.on('data', (bytes) => !hangs && client.write(bytes));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  return {
    s3: { ...behind.s3, endpoint: `http://127.0.0.1:${address.port}` },
    hang: () => void (hangs = true),
    pass: () => void (hangs = false),
    async stop() {
      for (const client of open) client.destroy();
      await new Promise((closed) => server.close(closed));
      await behind.stop();
    },
  };
}
