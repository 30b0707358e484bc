import { Client, credentials } from '@grpc/grpc-js';
import { type BenchRequest, idPlace } from '../requests.ts';
import type { Connection } from './job.ts';

const deadlineMs = 30_000;

/** A channel of its own: the message's bytes are sent as they are but for the id, and those of the answer are not read. */
export async function grpcConnection(
  port: number,
  request: Extract<BenchRequest, { protocol: 'grpc' }>,
): Promise<Connection> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    // Channels to one address share a connection unless told otherwise.
    'grpc.use_local_subchannel_pool': 1,
  });
  await new Promise<void>((resolve, reject) =>
    client.waitForReady(Date.now() + deadlineMs, (error) => (error == null ? resolve() : reject(error))),
  );
  const asIs = (bytes: Buffer): Buffer => bytes;
  return {
    send: (id) =>
      new Promise((resolve, reject) => {
        const bytes = Buffer.from(request.body);
        bytes.write(id, request.idAt, idPlace.length, 'latin1');
        client.makeUnaryRequest(request.method, asIs, asIs, bytes, (error) =>
          error === null ? resolve() : reject(error),
        );
      }),
    close: () => client.close(),
  };
}
