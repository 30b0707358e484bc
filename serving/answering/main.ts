import { toFailure } from '../../domain/failure.ts';
import { endWithParent } from '../end-with-parent.ts';
import type { FromAnswering, ToAnswering } from '../messages.ts';
import { readServingConfig } from '../serving-config.ts';
import { type AnsweringProcess, startAnswering } from './process.ts';

/** An answering process: the control process forks it, tells it what to serve, and ends it. */

/** Where nobody says how long idle connections may stay. */
const orphanedGraceMs = 2_000;

let answering: Promise<AnsweringProcess> | null = null;

/** Resolves when the message is on its way, or nobody is there to take it. */
function send(message: FromAnswering): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, () => resolve());
  });
}

async function end(idleGraceMs: number): Promise<never> {
  const started = await answering?.catch(() => null);
  await started?.drain({ idleGraceMs });
  process.exit(0);
}

async function take(message: ToAnswering): Promise<void> {
  if (message.type === 'drain') return end(message.idleGraceMs);
  if (message.type === 'start') {
    answering = startAnswering(readServingConfig(process.env), message, (told) => void send(told));
    await answering;
    return;
  }
  await (await answering)?.take(message);
}

process.on('message', (message: ToAnswering) => {
  take(message).catch(async (error: unknown) => {
    console.error(error);
    await send({ type: 'failed', failure: toFailure(error) });
    process.exit(1);
  });
});
// Without its control process nobody would end it, switch it or bring its log to the bucket.
endWithParent(() => void end(orphanedGraceMs));
process.on('SIGTERM', () => void end(orphanedGraceMs));
// Ctrl-C reaches the whole group of a terminal: the control process says when to go.
process.on('SIGINT', () => undefined);
void send({ type: 'hello' });
