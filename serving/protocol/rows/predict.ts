import type { IncomingHttpHeaders } from 'node:http';

import type { Answered, Call } from '../../answering/call.ts';
import { credentialOf, single, traceOf } from '../credential.ts';
import { type HttpAnswer, jsonAnswer } from '../http-answer.ts';
import { idOf, type Members, parseBody } from '../json-body.ts';
import { recordLimitBytes, recordTooLarge, refusedInput, shown, shownValue } from '../refused-input.ts';

const members: ReadonlySet<string> = new Set(['requestId', 'subject', 'record', 'records']);

/** Reads a request of raw records. @throws CodedError INPUT_INVALID, also for records that are too large (413). */
export function preparePredict(
  { endpoint }: { readonly endpoint: string },
  headers: IncomingHttpHeaders,
  body: Buffer,
): { readonly call: Call; readonly write: (answered: Answered) => HttpAnswer } {
  const given = parseBody(body);
  for (const name in given) {
    if (members.has(name)) continue;
    throw refusedInput(`'${shown(name)}' is no member of a request. It has ${[...members].join(', ')}.`, name);
  }
  const records = recordsOf(given);
  if (body.length > recordLimitBytes * records.length) {
    throw recordTooLarge();
  }
  const call: Call = {
    protocol: 'rows',
    endpoint,
    modelVersion: null,
    requestId: idOf(given['requestId'], 'requestId'),
    subject: idOf(given['subject'] ?? headers['x-perdura-subject'], 'subject'),
    arm: single(headers['x-perdura-arm']),
    credential: credentialOf(headers),
    trace: traceOf(headers),
    input: { kind: 'records', records },
  };
  return { call, write: given['record'] === undefined ? writeAll : writeOne };
}

function recordsOf({ record, records }: Members): readonly unknown[] {
  if (record !== undefined && records !== undefined) {
    throw refusedInput("A request has either 'record' or 'records', this one has both.", 'records');
  }
  if (records === undefined) {
    requireRecord(record, 'record');
    return [record];
  }
  if (!Array.isArray(records) || records.length === 0) {
    throw refusedInput(`'records' must be a list of records, got ${shownValue(records)}.`, 'records');
  }
  for (let at = 0; at < records.length; at += 1) requireRecord(records[at], `records[${at}]`);
  return records;
}

function requireRecord(value: unknown, field: string): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw refusedInput(
    `'${field}' must be a JSON object, got ${value === undefined ? 'nothing' : shownValue(value)}.`,
    field,
  );
}

function writeOne(answered: Answered): HttpAnswer {
  return jsonAnswer(200, `{${head(answered)},"output":${JSON.stringify(answered.answers[0]?.output)}}`);
}

/** Each row under the id that the log has it under. */
function writeAll(answered: Answered): HttpAnswer {
  const { answers, requestId } = answered;
  const rows = answers.map(({ output }, at) => ({
    requestId: answers.length === 1 ? requestId : `${requestId}/${at}`,
    output,
  }));
  return jsonAnswer(200, `{${head(answered)},"answers":${JSON.stringify(rows)}}`);
}

function head({ requestId, endpoint, epoch, arm, reference }: Answered): string {
  return (
    `"requestId":${JSON.stringify(requestId)},"endpoint":${JSON.stringify(endpoint)},"epoch":${epoch},"arm":"${arm}",` +
    `"model":${JSON.stringify(reference.model)},"modelVersion":${JSON.stringify(reference.modelVersion)}`
  );
}
