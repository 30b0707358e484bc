import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { ApplicationFailure, CancelledFailure, CompleteAsyncError, Context } from '@temporalio/activity';
import { errorTable, isCoded } from '../../domain/errors.ts';
import { toFailure } from '../../domain/failure.ts';

const mostUnnamedAttempts = 10;

/**
 * Turns every error of an activity into an ApplicationFailure whose `type` is its code, so that workflows and clients match on a word, and
 * Temporal retries what the error table calls retryable and nothing else. An error without a code is retried, since it may be an outage that no
 * one named, but ten times at most, and never if it is of a kind that only a mistake in the code throws.
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
        nonRetryable: isCoded(error) ? !errorTable[failure.code].retryable : isBug(error) || isLastAttempt(),
        details: [failure],
        ...(error instanceof Error ? { cause: error } : {}),
      });
    }
  },
};

/** Told by name: an error of a project's module, or of another realm, is no instance of this one's classes. */
function isBug(error: unknown): boolean {
  const bugs = ['TypeError', 'ReferenceError', 'RangeError', 'SyntaxError'];
  // Node's own fetch throws a TypeError for a connection that fails, with the reason as its cause.
  return error instanceof Error && bugs.includes(error.name) && error.cause === undefined;
}

/** An outage that nobody named has passed by then, or somebody must look; a run that is tried for ever says nothing to anyone. */
function isLastAttempt(): boolean {
  return Context.current().info.attempt >= mostUnnamedAttempts;
}
