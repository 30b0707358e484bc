import { stripVTControlCharacters } from 'node:util';

import Table from 'cli-table3';
import pc from 'picocolors';

/** How a command speaks: its one answer on stdout, everything on the way there on stderr. */
export type Output = {
  readonly json: boolean;
  /** Whether stderr is a terminal that a live display may draw on. */
  readonly live: boolean;
  /** Prints the command's answer, once: `value` as one JSON document with --json, else the text. */
  readonly answer: (value: unknown, text: () => string) => void;
  /** One line of progress, never on stdout. */
  readonly progress: (line: string) => void;
};

/** Where an output writes. */
export type Streams = { readonly stdout: NodeJS.WriteStream; readonly stderr: NodeJS.WriteStream };

/** Makes the output of one command. A second answer is a fault of ours: with --json it would break every reader. */
export function createOutput(streams: Streams, options: { readonly json: boolean }): Output {
  let answered = false;
  return {
    json: options.json,
    live: !options.json && streams.stderr.isTTY && process.env['CI'] === undefined,
    answer(value, text) {
      if (answered) throw new Error('A command answers once.');
      answered = true;
      streams.stdout.write(`${options.json ? JSON.stringify(value, null, 2) : readable(text(), streams.stdout)}\n`);
    },
    progress: (line) => void streams.stderr.write(`${line}\n`),
  };
}

/** The text as this stream can show it: colours are for a terminal, never for a file, a pipe or the log of a build. */
export function readable(text: string, stream: NodeJS.WriteStream): string {
  return stream.isTTY ? text : stripVTControlCharacters(text);
}

/** Lays rows out in columns, without lines, so that it can be cut, copied and searched. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    head: head.map((title) => pc.bold(title)),
    chars: noLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) drawn.push([...row]);
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** A heading over a part of an answer. */
export function heading(text: string): string {
  return pc.bold(pc.underline(text));
}

/** A verdict, outcome or status in its colour: green went well, red did not, yellow is open. */
export function coloured(word: string): string {
  if (['pass', 'promoted', 'completed', 'ok', 'IDENTICAL', 'ready'].includes(word)) return pc.green(word);
  if (['fail', 'failed', 'block', 'DIFFERENT', 'cancelled'].includes(word)) return pc.red(word);
  if (['inconclusive', 'warn', 'quarantine', 'running', 'rejected', 'pending', 'unknown'].includes(word))
    return pc.yellow(word);
  return word;
}

/** A length of time for a person: `840 ms`, `12.3 s`, `4 min 5 s`, `2 h 3 min`. */
export function elapsed(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A time for a person, in UTC, to the second. */
export function moment(iso: string): string {
  return iso.replace('T', ' ').replace(/(?:\.\d+)?Z$/, ' UTC');
}

const noLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};
