import { type Answer, flight, post } from './harness.ts';

/** Requests one after the other on several connections, until told to stop. */
export type Traffic = {
  /** What came back so far; null where no answer came. */
  readonly answers: ReadonlyMap<string, Answer | null>;
  stop(): Promise<void>;
};

/** Sends one flight again and again, each with a request id of its own. */
export function startTraffic(url: string, endpoint: string, options: { readonly name: string }): Traffic {
  const answers = new Map<string, Answer | null>();
  let stopped = false;
  let next = 0;
  const client = async (): Promise<void> => {
    while (!stopped) {
      const requestId = `${options.name}-${next++}`;
      const answer = await post(url, `/endpoints/${endpoint}/predict`, { requestId, record: flight }).catch(() => null);
      answers.set(requestId, answer);
      if (answer === null) return;
    }
  };
  const clients = Array.from({ length: 4 }, client);
  return {
    answers,
    async stop() {
      stopped = true;
      await Promise.all(clients);
    },
  };
}
