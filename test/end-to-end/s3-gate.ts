import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

/** A write that is waited for: an object whose new bytes hold a text. */
export type AwaitedWrite = { readonly key: string; readonly text: string };

/** Stands between a worker and S3, so that a test can act after a write has landed and before the worker hears of it. */
export type S3Gate = {
  readonly url: string;
  /** Calls `act` when the write has landed; its answer never reaches the worker. */
  afterWrite(write: AwaitedWrite, act: () => void): void;
  close(): Promise<void>;
};

/** Opens a gate in front of an S3. Requests pass as they are: they are signed for the gate's own address. */
export async function openS3Gate(target: string): Promise<S3Gate> {
  let armed: { readonly write: AwaitedWrite; readonly act: () => void } | null = null;
  const server = createServer((incoming, outgoing) => {
    void pass(incoming, target).then(
      ({ answer, sent, body }) => {
        const hit = armed !== null && incoming.method === 'PUT' && isWrite(armed.write, incoming.url ?? '', sent);
        if (!hit || (answer.statusCode ?? 500) >= 300) return relay(outgoing, answer, body);
        armed?.act();
        armed = null;
        outgoing.destroy();
      },
      // S3 is away: the worker must see what it would see without a gate.
      () => outgoing.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    afterWrite: (write, act) => void (armed = { write, act }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function isWrite({ key, text }: AwaitedWrite, url: string, sent: Buffer): boolean {
  return url.split('?')[0]?.endsWith(`/${key}`) === true && sent.includes(text);
}

type Passed = { readonly answer: IncomingMessage; readonly sent: Buffer; readonly body: Buffer };

async function pass(incoming: IncomingMessage, target: string): Promise<Passed> {
  const sent = await read(incoming);
  const { expect: _, ...headers } = incoming.headers;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const { hostname, port } = new URL(target);
    const { method, url } = incoming;
    request({ hostname, port, method, path: url, headers }, resolve).once('error', reject).end(sent);
  });
  return { answer, sent, body: await read(answer) };
}

function relay(outgoing: ServerResponse, answer: IncomingMessage, body: Buffer): void {
  const { 'transfer-encoding': _, connection: __, ...headers } = answer.headers;
  outgoing.writeHead(answer.statusCode ?? 502, headers).end(body);
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
