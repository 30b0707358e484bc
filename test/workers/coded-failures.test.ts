import { MockActivityEnvironment } from '@temporalio/testing';
import { CodedError } from '../../domain/errors.ts';
import { codedFailures } from '../../workers/interceptors/coded-failures.ts';

/** What Temporal gets of an error that an activity throws at an attempt. */
async function thrownAt(attempt: number, error: Error): Promise<unknown> {
  const environment = new MockActivityEnvironment({ attempt }, { interceptors: [() => ({ inbound: codedFailures })] });
  return environment
    .run(() => Promise.reject(error))
    .then(
      () => null,
      (thrown: unknown) => thrown,
    );
}

test('a passing condition of the error table is retried at every attempt', async () => {
  const outage = new CodedError('SERVICE_UNAVAILABLE', 'S3 does not answer.');
  expect(await thrownAt(1_000, outage)).toMatchObject({ type: 'SERVICE_UNAVAILABLE', nonRetryable: false });
});

test('what the table does not call retryable ends the step at once, with its code and remedy', async () => {
  expect(await thrownAt(1, new CodedError('DATA_UNREADABLE', 'a.parquet is damaged.'))).toMatchObject({
    type: 'DATA_UNREADABLE',
    nonRetryable: true,
    details: [{ code: 'DATA_UNREADABLE', message: 'a.parquet is damaged.', remedy: expect.any(String) }],
  });
});

test('an error without a code is retried, the tenth time is the last', async () => {
  expect(await thrownAt(9, new Error('odd'))).toMatchObject({ type: 'ACTIVITY_FAILED', nonRetryable: false });
  expect(await thrownAt(10, new Error('odd'))).toMatchObject({ type: 'ACTIVITY_FAILED', nonRetryable: true });
});

test('a mistake in the code is not retried, a connection that fetch could not make is', async () => {
  expect(await thrownAt(1, new TypeError('x is not a function'))).toMatchObject({ nonRetryable: true });
  const refused = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
  expect(await thrownAt(1, refused)).toMatchObject({ nonRetryable: false });
});
