import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';
import type { ServiceAddresses } from '../domain/config.ts';
import { type Duration, durationMs } from '../domain/duration.ts';

/** What a look at a service found: null when it answers as it should, else why not, as the end of a sentence. */
export type ProbeResult = string | null;

const patience: Duration = '3 seconds';
const describeNamespace = '/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace';

/**
 * Asks Temporal for the namespace: the answer proves that the frontend serves and that workflows can be started there. Written on HTTP/2
 * alone (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), because loading the SDK's client takes longer than the question.
 */
export function probeTemporal(temporal: Omit<ServiceAddresses['temporal'], 'uiUrl'>): Promise<ProbeResult> {
  return new Promise((resolve) => {
    // An API key is only ever sent over TLS, as the SDK's client does.
    const session = connect(`${temporal.apiKey === null ? 'http' : 'https'}://${temporal.address}`);
    const end = (result: ProbeResult): void => {
      clearTimeout(timer);
      session.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => end(`does not answer within ${patience}`), durationMs(patience));
    session.on('error', (error) => end(`does not answer (${error.message || error.name})`));
    const stream = session.request({
      ':method': 'POST',
      ':path': describeNamespace,
      'content-type': 'application/grpc',
      te: 'trailers',
      'temporal-namespace': temporal.namespace,
      ...(temporal.apiKey === null ? {} : { authorization: `Bearer ${temporal.apiKey}` }),
    });
    const status = (headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void => {
      const code = headers['grpc-status'];
      if (typeof code === 'string') end(meaning(code, temporal.namespace));
      else if (headers[':status'] !== undefined && headers[':status'] !== 200) end('answers, but not as Temporal');
    };
    stream.on('response', status);
    stream.on('trailers', status);
    stream.on('error', (error) => end(`does not answer (${error.message})`));
    stream.resume();
    stream.end(requestFrame(temporal.namespace));
  });
}

/** Whether an S3 server answers at all. What it can do is for the check of the bucket. */
export async function probeHttp(url: string): Promise<ProbeResult> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(durationMs(patience)), redirect: 'manual' });
    await response.body?.cancel();
    return response.status >= 500 ? `answers with status ${response.status}` : null;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return `does not answer (${cause instanceof Error ? cause.message || cause.name : String(cause)})`;
  }
}

/** A gRPC frame of one protobuf message whose field 1 is the namespace's name. */
function requestFrame(namespace: string): Buffer {
  const name = Buffer.from(namespace, 'utf8');
  const length = name.length < 128 ? [name.length] : [(name.length & 127) | 128, name.length >> 7];
  const message = Buffer.concat([Buffer.from([0x0a, ...length]), name]);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** gRPC status codes: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
function meaning(status: string, namespace: string): ProbeResult {
  switch (status) {
    case '0':
      return null;
    case '5':
      return `has no namespace '${namespace}'`;
    case '7':
    case '16':
      return 'refuses the API key';
    default:
      return `answers with gRPC status ${status}`;
  }
}
