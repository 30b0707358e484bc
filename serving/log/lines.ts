import type { LabelRow } from '../../domain/inference.ts';
import type { Hidden } from './hide-columns.ts';
import type { LoggedRow } from './log-writer.ts';

/**
 * One row as a line of JSON. It begins with what tells a row from all others, so that `rowKey` finds that without parsing the rest. What is null
 * is left out: it reads as null again. Put together by hand, because it stands before every answer: half of `JSON.stringify` of the whole row.
 */
export function inferenceLine(
  row: LoggedRow,
  { subject, record, features, error, keyId }: Hidden,
  { at, review }: { readonly at: string; readonly review: boolean },
): string {
  const id = quoted(row.requestId);
  return (
    `{"requestId":${id},"shadow":${row.shadow ? 'true' : 'false'},"model":${quoted(row.model)}` +
    `,"modelVersion":${quoted(row.modelVersion)},"endpoint":${quoted(row.endpoint)},"epoch":${row.epoch}` +
    `,"arm":${quoted(row.arm)},"subject":${subject === row.requestId ? id : quoted(subject)}` +
    `,"at":"${at}","status":${row.status}${error === null ? '' : `,"error":${quoted(error)}`}` +
    `,"latencyMs":${row.latencyMs}${numberField('output', row.output)}` +
    `,"record":${JSON.stringify(record)},"features":${JSON.stringify(features)}` +
    `${row.answer === null ? '' : `,"answer":${JSON.stringify(JSON.stringify(row.answer))}`}` +
    `${numberField('confidence', row.confidence)},"review":${review ? 'true' : 'false'}` +
    `,"computeMs":${row.computeMs}${numberField('cost', row.cost)}` +
    `${row.caller === null ? '' : `,"caller":${quoted(row.caller)}`}` +
    `${keyId === null ? '' : `,"keyId":"${keyId}"`}}\n`
  );
}

/** One label as a line of JSON. */
export function labelLine({ requestId, label, at }: LabelRow): string {
  return `{"requestId":${quoted(requestId)},"label":${label},"at":${quoted(at)}}\n`;
}

/**
 * What tells the row of a line from all others of its endpoint: the request's id, and of a shadow's answer whose it is; null for a line that
 * does not begin as lines do. A request has one live answer, whichever arm gave it.
 */
export function rowKey(line: string): string | null {
  // A quote within the id has a backslash before it, so that this stands nowhere in it.
  const end = line.indexOf('","shadow":');
  if (end < 0) return null;
  if (!line.startsWith('true', end + '","shadow":'.length)) return line.slice(0, end);
  const model = line.indexOf(',"endpoint":', end);
  return model < 0 ? null : line.slice(0, model);
}

/** JSON of a value of any kind; what JSON does not know stands as the text of it. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    // A feature function may return a bigint, or an object that holds itself; that answer fails, and its row still tells of it.
    return JSON.stringify(String(value));
  }
}

function numberField(name: string, value: number | null): string {
  return value === null || !Number.isFinite(value) ? '' : `,"${name}":${value}`;
}

/** Half a surrogate pair is no UTF-8: with it the whole line would be unreadable. */
function quoted(text: string): string {
  const json = JSON.stringify(text);
  return json.includes('\\ud') ? JSON.stringify(Buffer.from(text).toString()) : json;
}
