import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { type Duration, durationMs } from '../domain/duration.ts';
import { mebibytes, requireSpace } from './disk.ts';

/** How long the other side may be silent: until its answer begins, and between two chunks. A closed network is noticed that fast. */
const patience: { readonly answer: Duration; readonly chunk: Duration } = { answer: '6 seconds', chunk: '30 seconds' };
const progressEvery: Duration = '3 seconds';
/** A text of this kind has a few KiB. */
const longestText = 1_048_576;

/** Downloads a small text, such as a list of checksums. */
export async function downloadText(url: string): Promise<string> {
  const answer = await request(url);
  let text = '';
  for await (const chunk of answer.chunks) {
    text += Buffer.from(chunk).toString('utf8');
    if (text.length > longestText) throw new Error(`${answer.shownUrl} is not a short text`);
  }
  return text;
}

/**
 * Downloads a file to a path that must not exist yet and proves its SHA-256 (hex) before it returns: on any failure the caller throws the
 * folder away, so a partial file is never used.
 *
 * @throws CodedError DISK_FULL when the announced size does not fit; Error that says in one line what went wrong.
 */
export async function downloadFile(
  url: string,
  file: string,
  options: { readonly sha256: string; readonly folder: string; readonly onProgress: (done: string) => void },
): Promise<void> {
  const answer = await request(url);
  try {
    // Unpacked, these archives take about three times their size.
    if (answer.sizeBytes !== null) await requireSpace(options.folder, answer.sizeBytes * 4, 'PERDURA_CACHE');
    const found = await receive(answer, file, options.onProgress);
    if (found === options.sha256) return;
    throw new Error(
      `the file from ${answer.shownUrl} has SHA-256 ${found}, not the published ${options.sha256}: refused`,
    );
  } finally {
    answer.close();
  }
}

/** Writes what arrives and returns its SHA-256. */
async function receive(answer: Answer, file: string, onProgress: (done: string) => void): Promise<string> {
  const hash = createHash('sha256');
  let received = 0;
  let told = Date.now();
  await pipeline(
    answer.chunks,
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        received += chunk.length;
        if (Date.now() - told > durationMs(progressEvery)) {
          told = Date.now();
          onProgress(`${mebibytes(received)} of ${mebibytes(answer.sizeBytes ?? received)} MiB`);
        }
        yield chunk;
      }
    },
    createWriteStream(file, { flags: 'wx' }),
  );
  return hash.digest('hex');
}

type Answer = {
  readonly shownUrl: string;
  readonly sizeBytes: number | null;
  readonly chunks: AsyncGenerator<Uint8Array>;
  /** Ends the connection, whether all was read or not. */
  close(): void;
};

/** One GET. Credentials of the address go into a header, as fetch wants it, and never into a message. */
async function request(address: string): Promise<Answer> {
  const url = new URL(address);
  const headers = new Headers();
  if (url.username !== '') {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
    url.username = '';
    url.password = '';
  }
  const abort = new AbortController();
  const shownUrl = url.href;
  const silence = setTimeout(() => abort.abort(), durationMs(patience.answer));
  try {
    const response = await fetch(url, { headers, signal: abort.signal });
    if (!response.ok || response.body === null) throw new Error(`it answered ${response.status}`);
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    return {
      shownUrl,
      sizeBytes: Number.isFinite(length) ? length : null,
      chunks: chunksOf(response.body, shownUrl, abort),
      close: () => abort.abort(),
    };
  } catch (error) {
    const why = abort.signal.aborted ? `no answer within ${patience.answer}` : networkReason(error);
    throw new Error(`${shownUrl}: ${why}`, { cause: error });
  } finally {
    clearTimeout(silence);
  }
}

async function* chunksOf(
  body: AsyncIterable<Uint8Array>,
  url: string,
  abort: AbortController,
): AsyncGenerator<Uint8Array> {
  const silence = setTimeout(() => abort.abort(), durationMs(patience.chunk));
  try {
    for await (const chunk of body) {
      silence.refresh();
      yield chunk;
      // The time that the disk takes is not the other side's silence.
      silence.refresh();
    }
  } catch (error) {
    const why = abort.signal.aborted ? `silent for ${patience.chunk}` : `broken off: ${networkReason(error)}`;
    throw new Error(`${url}: ${why}`, { cause: error });
  } finally {
    clearTimeout(silence);
  }
}

/** fetch says 'fetch failed' and keeps the reason in the cause. */
function networkReason(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = inner instanceof Error ? inner.message : String(inner);
  // Node does not read the system's certificates, where a proxy that looks into TLS has put its own.
  return /certificate/i.test(reason) ? `${reason} (name your network's certificate in NODE_EXTRA_CA_CERTS)` : reason;
}
