import { createAdmission } from '../../../serving/access/create-admission.ts';
import { policyWith, nobody, refusal, sha256, withKey } from './policies.ts';

/** An admission whose clock the test moves. */
function atTime() {
  let now = 1_000_000;
  let share = 1;
  const asked: string[] = [];
  const admission = createAdmission({ now: () => now, share: () => share, asked: (limit) => void asked.push(limit) });
  return {
    admission,
    asked,
    pass: (ms: number) => void (now += ms),
    give: (next: number) => void (share = next),
  };
}

type Timed = ReturnType<typeof atTime>;

async function letIn({ admission }: Timed, policy: ReturnType<typeof policyWith>, tries: number): Promise<number> {
  let count = 0;
  for (let index = 0; index < tries; index += 1) {
    try {
      await admission.admit(policy, nobody);
      count += 1;
    } catch {
      // Counted by its absence.
    }
  }
  return count;
}

test('a limit of 10 a second lets 10 in at once, and 10 more in each second after', async () => {
  const timed = atTime();
  const policy = policyWith(null, 10);
  expect(await letIn(timed, policy, 100)).toBe(10);
  timed.pass(500);
  expect(await letIn(timed, policy, 100)).toBe(5);
  timed.pass(1_000);
  expect(await letIn(timed, policy, 100)).toBe(10);
  timed.pass(60_000);
  expect(await letIn(timed, policy, 100)).toBe(10);
});

test('who is refused learns when to come again, and is then let in', async () => {
  const timed = atTime();
  const policy = policyWith(null, 4);
  expect(await letIn(timed, policy, 10)).toBe(4);
  const { code, details } = await refusal(timed.admission, policy, nobody);
  expect(code).toBe('RATE_LIMITED');
  expect(details).toEqual({ retryAfterMs: 250, limit: 'endpoint/flights' });
  timed.pass(249);
  expect(await letIn(timed, policy, 1)).toBe(0);
  timed.pass(1);
  expect(await letIn(timed, policy, 1)).toBe(1);
});

test('a limit below one a second lets one in, then makes wait for more than a second', async () => {
  const timed = atTime();
  const policy = policyWith(null, 0.5);
  expect(await letIn(timed, policy, 3)).toBe(1);
  expect((await refusal(timed.admission, policy, nobody)).details['retryAfterMs']).toBe(2_000);
  timed.pass(2_000);
  expect(await letIn(timed, policy, 3)).toBe(1);
});

test('a process with half a share lets half of the limit in', async () => {
  const timed = atTime();
  timed.give(0.5);
  const policy = policyWith(null, 10);
  expect(await letIn(timed, policy, 100)).toBe(5);
  timed.pass(1_000);
  expect(await letIn(timed, policy, 100)).toBe(5);
});

test('a clock that is set back neither gives nor takes requests', async () => {
  const timed = atTime();
  const policy = policyWith(null, 10);
  await letIn(timed, policy, 10);
  timed.pass(-3_600_000);
  expect(await letIn(timed, policy, 10)).toBe(0);
  timed.pass(1_000);
  expect(await letIn(timed, policy, 100)).toBe(10);
});

test("a key's own limit holds beside the endpoint's, and a request that one refuses takes nothing of the other", async () => {
  const timed = atTime();
  const apiKeys = [
    { name: 'slow', sha256: sha256('s'), tester: false, requestsPerSecond: 1 },
    { name: 'fast', sha256: sha256('f'), tester: false, requestsPerSecond: null },
  ];
  const policy = policyWith({ apiKeys, oidc: null }, 3);
  await timed.admission.admit(policy, withKey('s'));
  for (let index = 0; index < 5; index += 1) {
    expect((await refusal(timed.admission, policy, withKey('s'))).details['limit']).toBe('key/flights/slow');
  }
  await timed.admission.admit(policy, withKey('f'));
  await timed.admission.admit(policy, withKey('f'));
  expect((await refusal(timed.admission, policy, withKey('f'))).details['limit']).toBe('endpoint/flights');
});

test('callers that are not let in use up no limit, and are no demand', async () => {
  const timed = atTime();
  const apiKeys = [{ name: 'batch', sha256: sha256('b'), tester: false, requestsPerSecond: null }];
  const policy = policyWith({ apiKeys, oidc: null }, 2);
  for (let index = 0; index < 10; index += 1) await refusal(timed.admission, policy, withKey('wrong'));
  expect(timed.asked).toEqual([]);
  await timed.admission.admit(policy, withKey('b'));
  expect(timed.asked).toEqual(['endpoint/flights']);
});
