import { type LogPolicy, openPolicy } from '../../../domain/endpoint-policy.ts';
import type { ModelReference } from '../../../domain/model-package.ts';
import type { Route } from '../../../domain/route.ts';
import { createPreparedModels } from '../../../serving/control/prepared-models.ts';
import type { ShadowHost } from '../../../serving/hosting/hosts.ts';
import { unmeasuredPlan } from '../../support/unmeasured-plan.ts';

const version: ModelReference = { model: 'flights', modelVersion: '1', packageDigest: 'd' };
const route: Route = {
  endpoint: 'flights',
  epoch: 1,
  changeId: 'c',
  arms: [{ name: 'champion', version, weight: 100 }],
  shadows: [version],
  at: '2026-01-01T00:00:00.000Z',
  who: 'test',
  why: 'test',
};
const terms = (log: Partial<LogPolicy>, epoch: number) => {
  const open = openPolicy('flights');
  return { route: { ...route, epoch }, policy: { ...open, epoch, log: { ...open.log, ...log } } };
};

/** A host that notes under which terms it logs. */
function notingHost() {
  const told: LogPolicy[] = [];
  const host: ShadowHost = {
    socket: 's',
    pid: 1,
    report: () => Promise.reject(new Error('It is not asked.')),
    close: () => Promise.resolve(),
    update: ({ policy }) => void told.push(policy.log),
  };
  return { host, told };
}

test('before a new policy comes into force its shadow logs what the old and the new one both let it, then by the new one', async () => {
  const { host, told } = notingHost();
  const models = createPreparedModels({
    fetch: () => Promise.resolve('folder'),
    plan: () => Promise.resolve(unmeasuredPlan),
    hosts: {
      shadow: () => Promise.resolve(host),
      live: () => Promise.reject(new Error('None is slow.')),
      pids: () => [],
      close: () => Promise.resolve(),
    },
    report: () => undefined,
  });
  const first = await models.prepare(terms({ redact: ['email'], sample: 1 }, 1));
  first.applied();
  const encrypt = { columns: ['name'], group: 'passenger' };
  const stricter = { redact: ['ssn'], sample: 0.5, encrypt };
  const second = await models.prepare(terms(stricter, 2));
  expect(told.at(-1)).toEqual({ redact: ['email', 'ssn'], sample: 0.5, encrypt });
  second.applied();
  await Promise.resolve();
  expect(told.at(-1)).toEqual(stricter);
});
