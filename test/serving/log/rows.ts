import { type EndpointPolicy, openPolicy } from '../../../domain/endpoint-policy.ts';
import type { LoggedRow } from '../../../serving/log/log-writer.ts';

/** An answer of the champion to a record of three columns, unless said otherwise. */
export function loggedRow(requestId: string, differing: Partial<LoggedRow> = {}): LoggedRow {
  return {
    requestId,
    subject: 'ü😀',
    endpoint: 'flights',
    epoch: 7,
    arm: 'champion',
    model: 'flights',
    modelVersion: '3',
    shadow: false,
    status: 200,
    error: null,
    latencyMs: 0.125,
    output: 0.25,
    record: { origin: 'SFO', age: 42, text: 'half a pair \ud800, "quotes", \u0000' },
    features: { age: 42, distance: 0.1 },
    answer: { late: 0.25 },
    confidence: 0.75,
    computeMs: 0.0625,
    cost: null,
    caller: null,
    ...differing,
  };
}

export const open: EndpointPolicy = openPolicy('flights');

/** The open policy but for what it keeps of a row. */
export function keeping(log: Partial<EndpointPolicy['log']>): EndpointPolicy {
  return { ...open, log: { ...open.log, ...log } };
}
