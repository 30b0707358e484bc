import { ActivityFailure, ApplicationFailure, RetryState, TimeoutFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { CodedError, errorTable } from '../../domain/errors.ts';
import { failureOf } from '../../cli/errors.ts';

test('the failure of a run is found below all wrappers, whole', () => {
  const failure = { code: 'EXPECTATIONS_VIOLATED', message: 'm', remedy: 'r', details: { report: 1 } };
  const inner = ApplicationFailure.create({ type: failure.code, message: 'm', details: [failure] });
  const activity = new ActivityFailure('failed', 'validateData', '1', RetryState.NON_RETRYABLE_FAILURE, 'w', inner);
  expect(failureOf(new WorkflowFailedError('failed', activity, RetryState.NON_RETRYABLE_FAILURE))).toEqual(failure);
});

test('a code without details gets the remedy of the table', () => {
  const inner = ApplicationFailure.create({ type: 'ENDPOINT_BUSY', message: 'held' });
  expect(failureOf(new WorkflowFailedError('failed', inner, RetryState.NON_RETRYABLE_FAILURE))).toEqual({
    code: 'ENDPOINT_BUSY',
    message: 'held',
    remedy: errorTable.ENDPOINT_BUSY.remedy,
    details: {},
  });
});

test('a coded error stays itself, whatever caused it', () => {
  const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  expect(failureOf(new CodedError('BUCKET_UNSUITABLE', 'no versions', { cause })).code).toBe('BUCKET_UNSUITABLE');
});

test.each([
  ['EADDRINUSE', 'PORT_IN_USE'],
  ['ENOSPC', 'DISK_FULL'],
  [14, 'SERVICE_UNAVAILABLE'],
])("the system's %s has the code %s", (code, expected) => {
  expect(failureOf(Object.assign(new Error('x'), { code })).code).toBe(expected);
});

test('a failure without any code is told by its message', () => {
  const timeout = new TimeoutFailure('too long', undefined, 'START_TO_CLOSE');
  expect(failureOf(timeout)).toMatchObject({ code: 'ACTIVITY_FAILED', message: 'too long' });
});
