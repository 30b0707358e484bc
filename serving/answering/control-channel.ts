import { CodedError } from '../../domain/errors.ts';
import type { EndpointStatus } from '../endpoint-status.ts';
import type { FromAnswering, ToAnswering } from '../messages.ts';

/** The way to the control process: what this process tells it, and what it asks. */
export type ControlChannel = {
  tell(message: FromAnswering): void;
  /** Resolves when the endpoint is in force here. @throws CodedError NOT_FOUND, or why its route is not in force. */
  follow(endpoint: string): Promise<void>;
  /** How an endpoint fares in all processes. @throws CodedError NOT_FOUND. */
  status(endpoint: string): Promise<EndpointStatus>;
  /** Takes the answer to one of these questions. */
  told(message: Extract<ToAnswering, { type: 'told' }>): void;
};

type Question = {
  resolve(status: EndpointStatus | null): void;
  reject(error: unknown): void;
  readonly timer: NodeJS.Timeout;
};

const answerWithinMs = 10_000;

/** `send` hands a message to the control process. Questions about the same endpoint that are open at once are one question. */
export function createControlChannel(send: (message: FromAnswering) => void): ControlChannel {
  const open = new Map<number, Question>();
  const following = new Map<string, Promise<void>>();
  let next = 1;

  const ask = (what: 'follow' | 'status', endpoint: string): Promise<EndpointStatus | null> =>
    new Promise((resolve, reject) => {
      const number = next;
      next += 1;
      const timer = setTimeout(() => {
        open.delete(number);
        reject(silent(endpoint));
      }, answerWithinMs);
      open.set(number, { resolve, reject, timer });
      send({ type: 'ask', ask: number, what, endpoint });
    });

  return {
    tell: send,
    follow(endpoint) {
      const asked = following.get(endpoint);
      if (asked !== undefined) return asked;
      const asking = ask('follow', endpoint)
        .then(() => undefined)
        .finally(() => following.delete(endpoint));
      following.set(endpoint, asking);
      return asking;
    },
    async status(endpoint) {
      const status = await ask('status', endpoint);
      if (status === null) throw unknownEndpoint(endpoint);
      return status;
    },
    told({ ask: number, status, failure }) {
      const question = open.get(number);
      if (question === undefined) return;
      open.delete(number);
      clearTimeout(question.timer);
      if (failure === null) question.resolve(status);
      else question.reject(new CodedError(failure.code, failure.message, { details: failure.details }));
    },
  };
}

/** For a name that no release has given a route. */
export function unknownEndpoint(endpoint: string): CodedError {
  return new CodedError(
    'NOT_FOUND',
    `Endpoint '${endpoint}' not found: no release has given it a route. List them with 'perdura routes'.`,
  );
}

function silent(endpoint: string): CodedError {
  return new CodedError(
    'SERVICE_UNAVAILABLE',
    `The model server's control process did not answer about endpoint '${endpoint}' within ${answerWithinMs / 1_000} seconds. Send again; look at the server's log.`,
  );
}
