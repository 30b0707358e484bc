import { CommanderError } from 'commander';
import pc from 'picocolors';

import { CodedError, type ErrorCode, errorTable } from '../domain/errors.ts';
import { type CodedFailure, toFailure } from '../domain/failure.ts';
import { readable, type Streams } from './output.ts';

/** How an error is shown. */
export type Shown = { readonly json: boolean; readonly verbose: boolean };

/** An error of how a command was called: exit code 2 instead of 1. */
export function usageError(code: ErrorCode, message: string): CodedError {
  return new CodedError(code, message, { details: { usage: true } });
}

/**
 * Prints an error once, as a person or a program wants it, and says the exit code: 2 for wrong usage, else 1.
 * The stack is for whoever asks with --verbose: to everybody else it hides the one line that helps.
 */
export function reportError(error: unknown, streams: Streams, shown: Shown): number {
  const failure = failureOf(error);
  const usage = failure.details['usage'] === true;
  if (shown.json) streams.stdout.write(`${JSON.stringify({ error: failure }, null, 2)}\n`);
  else streams.stderr.write(`${readable(describeFailure(failure), streams.stderr)}\n`);
  if (shown.verbose) streams.stderr.write(`${stackOf(error)}\n`);
  return usage ? 2 : 1;
}

/** The failure for a person: code and message, then what to do. */
export function describeFailure(failure: CodedFailure): string {
  return `${pc.red(pc.bold(failure.code))} ${failure.message}\n${pc.dim('→')} ${failure.remedy}`;
}

/**
 * The coded failure in whatever was thrown: our own error, Temporal's wrappers around one (its `type` is the code, the whole
 * failure its first detail), a usage error of the command line, or an error of the system that has a code here.
 */
export function failureOf(error: unknown): CodedFailure {
  if (error instanceof CommanderError) return usageFailure(error);
  for (const link of causes(error)) {
    const found = temporalFailure(link) ?? systemFailure(link);
    if (found !== null) return found;
    if (link instanceof CodedError) return toFailure(link);
  }
  return toFailure(error);
}

function usageFailure(error: CommanderError): CodedFailure {
  const message = error.message.replace(/^error: /, '').replace(/\n\((.*)\)$/, '. $1');
  const sentence = message.endsWith('?') ? message : `${message.replace(/\.$/, '')}.`;
  return toFailure(usageError('INPUT_INVALID', `${sentence} See 'perdura --help'.`));
}

function* causes(error: unknown): Iterable<object> {
  let link = error;
  for (let depth = 0; typeof link === 'object' && link !== null && depth < 10; depth += 1) {
    yield link;
    link = 'cause' in link ? link.cause : null;
  }
}

function temporalFailure(link: object): CodedFailure | null {
  if (!('type' in link) || typeof link.type !== 'string' || !(link.type in errorTable)) return null;
  const code = link.type as ErrorCode;
  const message = link instanceof Error ? link.message : code;
  const whole: unknown = 'details' in link && Array.isArray(link.details) ? link.details[0] : null;
  return isFailure(whole) ? whole : { code, message, remedy: errorTable[code].remedy, details: {} };
}

function isFailure(value: unknown): value is CodedFailure {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value && 'remedy' in value;
}

/** gRPC's UNAVAILABLE and DEADLINE_EXCEEDED are numbers, Node's codes are words. */
const systemCodes: Readonly<Record<string, ErrorCode>> = {
  EADDRINUSE: 'PORT_IN_USE',
  ENOSPC: 'DISK_FULL',
  ECONNREFUSED: 'SERVICE_UNAVAILABLE',
  ECONNRESET: 'SERVICE_UNAVAILABLE',
  '14': 'SERVICE_UNAVAILABLE',
  '4': 'SERVICE_UNAVAILABLE',
};

function systemFailure(link: object): CodedFailure | null {
  const code = 'code' in link ? systemCodes[String(link.code)] : undefined;
  if (code === undefined || !(link instanceof Error)) return null;
  return { code, message: link.message, remedy: errorTable[code].remedy, details: {} };
}

function stackOf(error: unknown): string {
  return [...causes(error)]
    .map((link) => (link instanceof Error ? (link.stack ?? link.message) : JSON.stringify(link)))
    .join('\ncaused by ');
}
