import type { GivenLabel } from '../../answering/parts.ts';
import { idOf, type Members, parseBody } from '../json-body.ts';
import { refusedInput, shown, shownValue } from '../refused-input.ts';

const members: ReadonlySet<string> = new Set(['requestId', 'label', 'at']);
const mostLabels = 10_000;
const longestTime = 40;
const firstTime = Date.parse('0000-01-01T00:00:00Z');
const lastTime = Date.parse('9999-12-31T23:59:59.999Z');

/** Reads true outcomes: `{ labels: [{ requestId, label, at? }] }`. @throws CodedError INPUT_INVALID naming the member. */
export function parseLabels(body: Buffer): readonly GivenLabel[] {
  const given = parseBody(body);
  const other = Object.keys(given).find((name) => name !== 'labels');
  if (other !== undefined) throw refusedInput(`'${shown(other)}' is no member of a request. It has labels.`, other);
  const { labels } = given;
  if (!Array.isArray(labels) || labels.length === 0 || labels.length > mostLabels) {
    const got = Array.isArray(labels) ? `${labels.length} of them` : shownValue(labels);
    throw refusedInput(`'labels' must be a list of 1 to ${mostLabels} labels, got ${got}.`, 'labels');
  }
  return labels.map(labelOf);
}

function labelOf(given: unknown, place: number): GivenLabel {
  const field = `labels[${place}]`;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw refusedInput(`'${field}' must be a JSON object, got ${shownValue(given)}.`, field);
  }
  const { requestId, label, at, ...more } = given as Members;
  const [other] = Object.keys(more);
  if (other !== undefined) {
    throw refusedInput(
      `'${field}.${shown(other)}' is no member of a label. It has ${[...members].join(', ')}.`,
      `${field}.${other}`,
    );
  }
  const id = idOf(requestId, `${field}.requestId`);
  if (id === null) throw refusedInput(`'${field}.requestId' is missing.`, `${field}.requestId`);
  if (typeof label !== 'number' || !Number.isFinite(label)) {
    throw refusedInput(`'${field}.label' must be a finite number, got ${shownValue(label)}.`, `${field}.label`);
  }
  if (at === undefined) return { requestId: id, label };
  if (typeof at !== 'string' || at.length > longestTime || !isWritable(Date.parse(at))) {
    throw refusedInput(
      `'${field}.at' must be ISO 8601, for example 2001-03-31T17:00:00Z, got ${shownValue(at)}.`,
      `${field}.at`,
    );
  }
  return { requestId: id, label, at };
}

/** A year of more than four digits is no time to those who read the log. */
const isWritable = (time: number): boolean => time >= firstTime && time <= lastTime;
