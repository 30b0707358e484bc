import type { ProgramReport } from '../../domain/program-job.ts';

/** A line as it was meant: a report, one that does not hold up, or the program's own talk. */
export type SpokenLine =
  | { readonly kind: 'report'; readonly report: ProgramReport }
  | { readonly kind: 'malformed'; readonly problem: string }
  | { readonly kind: 'talk' };

const longestName = 200;
const longestText = 2_000;
/** A name is printed as it is: it must not move the cursor of a terminal. */
const control = /\p{Cc}/u;
const talk: SpokenLine = { kind: 'talk' };

/** Reads a line of standard output. Only an object with `perdura` is meant as a report. */
export function parseLine(line: string): SpokenLine {
  const text = line.trim();
  if (!text.startsWith('{') || !text.includes('"perdura"')) return talk;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: 'malformed', problem: `it is no JSON (${error instanceof Error ? error.message : String(error)})` };
  }
  if (typeof value !== 'object' || value === null || !('perdura' in value)) return talk;
  return parseReport(value as Readonly<Record<string, unknown>>);
}

function parseReport(value: Readonly<Record<string, unknown>>): SpokenLine {
  const { perdura, name, step, value: number, file, text } = value;
  switch (perdura) {
    case 'metric':
      if (typeof name !== 'string' || name === '' || name.length > longestName || control.test(name))
        return malformed("'name' must be a text of up to 200 letters, in one line");
      if (!isStep(step)) return malformed("'step' must be a whole number from 0 on");
      if (typeof number !== 'number' || !Number.isFinite(number)) return malformed("'value' must be a finite number");
      return { kind: 'report', report: { perdura, name, step, value: number } };
    case 'checkpoint':
      if (!isStep(step)) return malformed("'step' must be a whole number from 0 on");
      if (typeof file !== 'string' || file === '') return malformed("'file' must be a name in the checkpoints' folder");
      return { kind: 'report', report: { perdura, step, file } };
    case 'progress':
      if (typeof text !== 'string') return malformed("'text' must be a text");
      return { kind: 'report', report: { perdura, text: text.slice(0, longestText) } };
    default:
      return malformed("'perdura' must be metric, checkpoint or progress");
  }
}

function isStep(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function malformed(problem: string): SpokenLine {
  return { kind: 'malformed', problem };
}
