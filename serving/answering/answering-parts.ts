import { CodedError } from '../../domain/errors.ts';
import type { CodedFailure } from '../../domain/failure.ts';
import { withoutPaths } from '../without-paths.ts';
import { type AnswerParts, answerRequest, type ServedEndpoint } from './answer-request.ts';
import type { Credential } from './call.ts';
import { type ControlChannel, unknownEndpoint } from './control-channel.ts';
import type { Endpoints } from './endpoints.ts';
import type { AnsweringParts, GivenLabel } from './parts.ts';

/** Puts together what the protocols work with. `open` turns false when the process drains. */
export function createAnsweringParts(
  options: Omit<AnswerParts, 'hold'> & {
    readonly endpoints: Endpoints;
    readonly channel: ControlChannel;
    readonly open: () => boolean;
  },
): AnsweringParts {
  const { endpoints, channel, admission, log } = options;
  const followAndHold = async (endpoint: string): Promise<ServedEndpoint> => {
    await channel.follow(endpoint);
    const active = endpoints.current(endpoint);
    if (active === null) throw unknownEndpoint(endpoint);
    active.hold();
    return active;
  };
  const hold = (endpoint: string): ServedEndpoint | Promise<ServedEndpoint> => {
    const active = endpoints.current(endpoint);
    if (active === null) return followAndHold(endpoint);
    active.hold();
    return active;
  };
  const describe = async (endpoint: string, credential: Credential): Promise<ServedEndpoint> => {
    const active = await hold(endpoint);
    // Metadata is read at once: nothing runs on the models.
    active.letGo();
    await admission.admit(active.policy, credential);
    return active;
  };
  const answerParts: AnswerParts = { ...options, hold };
  return {
    endpoints,
    answer: (call) => answerRequest(answerParts, call),
    describe,
    async recordLabels(endpoint, credential, labels) {
      await describe(endpoint, credential);
      const now = new Date().toISOString();
      const rows = labels.map(({ requestId, label, at }) => ({
        requestId,
        label,
        at: at === undefined ? now : utc(at),
      }));
      await log.appendLabels(endpoint, rows, now);
    },
    async status(endpoint, credential) {
      await describe(endpoint, credential);
      const found = await channel.status(endpoint);
      const { problem } = found;
      return problem === null ? found : { ...found, problem: { ...problem, ...toldOf(problem) } };
    },
    open: options.open,
  };
}

/** Those who reach the port hear why, but not where on this machine. */
function toldOf({ message }: CodedFailure): Pick<CodedFailure, 'message' | 'details'> {
  return { message: withoutPaths(message), details: {} };
}

function utc(at: NonNullable<GivenLabel['at']>): string {
  const time = Date.parse(at);
  if (Number.isFinite(time)) return new Date(time).toISOString();
  throw new CodedError('INPUT_INVALID', `Label time '${at}' must be ISO 8601, for example 2001-03-31T17:00:00Z.`, {
    details: { field: 'at' },
  });
}
