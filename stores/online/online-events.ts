import { CodedError } from '../../domain/errors.ts';
import type { OnlineEvent } from './online-store.ts';

const idAtMostBytes = 256;

/**
 * Holds events against what every adapter can keep: a finite time, an id of 1 to 256 bytes without NUL. Values are kept as they are,
 * NaN and infinities too, because the offline join sees the same.
 *
 * @throws CodedError INPUT_INVALID naming the event; nothing of the call is written then.
 */
export function checkEvents(events: readonly OnlineEvent[]): void {
  for (const { view, key, time, id } of events) {
    const of = `the event '${id}' of key ${key} in view ${view}`;
    if (!Number.isFinite(time)) throw invalid(`The time of ${of} is ${time}: it must be epoch milliseconds.`);
    const bytes = Buffer.byteLength(id);
    if (bytes === 0 || bytes > idAtMostBytes || id.includes('\0')) {
      throw invalid(
        `The id of ${of} must be 1 to ${idAtMostBytes} bytes without NUL, it has ${bytes}. Hash longer ones.`,
      );
    }
  }
}

function invalid(message: string): CodedError {
  return new CodedError('INPUT_INVALID', message);
}
