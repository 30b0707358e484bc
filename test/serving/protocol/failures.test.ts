import { readFileSync } from 'node:fs';

import { CodedError, type ErrorCode, errorTable } from '../../../domain/errors.ts';
import { refusedRequest, statusOf } from '../../../serving/protocol/failures.ts';

const page = readFileSync(new URL('../../../docs/reference/serving-protocol.md', import.meta.url), 'utf8');
const codes = Object.keys(errorTable) as ErrorCode[];

test('the page lists the status of every code that is not 500, and no other', () => {
  const listed = [...page.matchAll(/^\| (\d{3}) \| `([A-Z_]+)` \|/gm)].map(([, status, code]) => `${code} ${status}`);
  const table = codes.map((code) => `${code} ${statusOf(new CodedError(code, 'x')).http}`);
  const refusals = ([408, 413, 415, 431] as const).map((status) => {
    const { code, http } = statusOf(refusedRequest(status, 'x'));
    return `${code} ${http}`;
  });
  const wanted = [...table, ...refusals].filter((line) => !line.endsWith(' 500'));
  expect(listed.toSorted()).toEqual(wanted.toSorted());
});

test('a field and the time of a retry are told where they are known', () => {
  const limited = new CodedError('RATE_LIMITED', 'Slower.', { details: { retryAfterMs: 250, field: 'x' } });
  expect(statusOf(limited)).toEqual({
    http: 429,
    code: 'RATE_LIMITED',
    message: 'Slower.',
    remedy: errorTable.RATE_LIMITED.remedy,
    field: 'x',
    retryAfterMs: 250,
  });
});

test.each([
  ['a status of 4xx', Object.assign(new Error('Bad'), { statusCode: 414 }), 414, 'INPUT_INVALID', 'Bad.'],
  ['a status of 5xx', Object.assign(new Error('Bad'), { statusCode: 502 }), 500, 'ACTIVITY_FAILED', undefined],
  ['no status', new Error('Bad'), 500, 'ACTIVITY_FAILED', undefined],
  ['no error', null, 500, 'ACTIVITY_FAILED', undefined],
])('an error without a code and with %s is %s', (_, error, http, code, message) => {
  const told = statusOf(error);
  expect({ http: told.http, code: told.code }).toEqual({ http, code });
  expect(told.message).toBe(message ?? 'The model server failed; its log says how.');
});

test('a coded error cannot claim a status that is not its own', () => {
  expect(statusOf(new CodedError('MODEL_INVALID', 'x', { details: { http: 200 } })).http).toBe(500);
});
