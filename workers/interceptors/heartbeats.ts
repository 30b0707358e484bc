import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { Context } from '@temporalio/activity';
import { repeatBeat } from '../../activities/heartbeat.ts';

/** Well below the heartbeat timeout of every proxy in workflows/activities.ts. */
const everyMs = 2_000;

/**
 * Keeps every activity's heart beating while it runs, with the last note it gave: a dead worker is found within seconds, and a step that is
 * silent for a while (a bundle, a long scan) is not taken for dead.
 */
export const heartbeats: ActivityInboundCallsInterceptor = {
  async execute(input, next) {
    const context = Context.current();
    const timer = setInterval(() => repeatBeat(context), everyMs);
    try {
      return await next(input);
    } finally {
      clearInterval(timer);
    }
  },
};
