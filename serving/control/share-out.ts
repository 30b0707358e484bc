import { createRateShares } from '../access/rate-shares.ts';
import type { AnsweringProcess } from './answering-process.ts';

/** Tells each answering process its shares of the rate limits whenever they change. It owns a timer: close it. */
export type ShareOut = {
  joined(process: AnsweringProcess): void;
  asked(process: AnsweringProcess, asked: Readonly<Record<string, number>>): void;
  ended(process: AnsweringProcess): void;
  close(): void;
};

const tellEveryMs = 250;

/** Nothing is told before a process joined. */
export function createShareOut(): ShareOut {
  const shares = createRateShares({ now: () => performance.now() });
  /** What each was told last, as text. */
  const told = new Map<AnsweringProcess, string>();
  const tell = (): void => {
    for (const [process, before] of told) {
      const own = shares.sharesOf(process.pid);
      const text = JSON.stringify(own);
      if (text === before) continue;
      told.set(process, text);
      process.send({ type: 'shares', shares: own });
    }
  };
  const timer = setInterval(tell, tellEveryMs);
  return {
    joined(process) {
      if (told.has(process)) return;
      shares.joined(process.pid);
      told.set(process, '');
    },
    asked: (process, asked) => shares.asked(process.pid, asked),
    ended(process) {
      shares.ended(process.pid);
      told.delete(process);
    },
    close: () => clearInterval(timer),
  };
}
