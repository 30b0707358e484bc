import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { ApplicationFailure, CancelledFailure, CompleteAsyncError } from '@temporalio/activity';
import { errorTable, isCoded } from '../../domain/errors.ts';
import { toFailure } from '../../domain/failure.ts';

/**
 * Turns every error of an activity into an ApplicationFailure whose `type` is its code, so that workflows and clients match on a word, and
 * Temporal retries what the error table calls retryable and nothing else. An error without a code is retried: it may be an outage that no one named.
 */
export const codedFailures: ActivityInboundCallsInterceptor = {
  async execute(input, next) {
    try {
      return await next(input);
    } catch (error) {
      if (
        error instanceof ApplicationFailure ||
        error instanceof CancelledFailure ||
        error instanceof CompleteAsyncError
      )
        throw error;
      if (error instanceof Error && error.name === 'AbortError') throw new CancelledFailure(error.message, []);
      const failure = toFailure(error);
      throw ApplicationFailure.create({
        type: failure.code,
        message: failure.message,
        nonRetryable: isCoded(error) && !errorTable[failure.code].retryable,
        details: [failure],
        ...(error instanceof Error ? { cause: error } : {}),
      });
    }
  },
};
