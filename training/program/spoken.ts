import type { Readable } from 'node:stream';

/** What a program says, bounded: its last lines and the beginning of its talk. */
export type Spoken = {
  lastLines(): string;
  /** Up to 1 MiB. */
  log(): string;
  keep(line: string): void;
};

const keptLines = 20;
const longestKept = 500;
const longestLog = 1_048_576;
/** A line without an end must not fill the memory: what is longer is cut. */
const longestLine = 65_536;

export function createSpoken(): Spoken {
  const lines: string[] = [];
  const log: string[] = [];
  let logged = 0;
  return {
    keep(line) {
      if (line.trim() !== '') {
        lines.push(line.slice(0, longestKept));
        if (lines.length > keptLines) lines.shift();
      }
      if (logged > longestLog) return;
      const room = longestLog - logged;
      log.push(line.length < room ? `${line}\n` : `${line.slice(0, room)}\n(what came after is left out)\n`);
      logged += line.length + 1;
    },
    lastLines: () => lines.join('\n'),
    log: () => log.join(''),
  };
}

/** Calls `onLine` with each line of a stream, the last one too where it has no end; longer lines are cut after 64 KiB. */
export function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  let cut = false;
  stream.setEncoding('utf8');
  stream.on('data', (piece: string) => {
    const parts = piece.split('\n');
    const last = parts.length - 1;
    parts.forEach((part, index) => {
      if (!cut) rest += part.length > longestLine ? part.slice(0, longestLine) : part;
      if (rest.length >= longestLine) {
        rest = rest.slice(0, longestLine);
        cut = true;
      }
      if (index === last) return;
      onLine(rest);
      rest = '';
      cut = false;
    });
  });
  stream.once('end', () => {
    if (rest !== '') onLine(rest);
  });
  // A pipe that breaks has ended.
  stream.on('error', () => undefined);
}
