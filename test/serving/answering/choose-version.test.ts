import { openPolicy } from '../../../domain/endpoint-policy.ts';
import type { Call } from '../../../serving/answering/call.ts';
import { chooseVersion } from '../../../serving/answering/choose-version.ts';
import type { ActiveArm, ActiveEndpoint } from '../../../serving/answering/parts.ts';
import type { LoadedModel } from '../../../serving/models/loaded-model.ts';
import { tinySignature } from '../../support/tiny-model.ts';

const arm = (name: ActiveArm['name'], modelVersion: string, weight: number): ActiveArm => ({
  name,
  weight,
  model: {
    reference: { model: 'flights', modelVersion, packageDigest: modelVersion.repeat(64) },
    signature: tinySignature,
    features: { record: tinySignature.record, features: () => ({}), aggregates: null },
    run: () => Promise.reject(new Error('Choosing runs no model.')),
    close: () => Promise.resolve(),
  } satisfies LoadedModel,
});

const active: ActiveEndpoint = {
  route: { endpoint: 'flights', epoch: 1, changeId: 'c', arms: [], shadows: [], at: '', who: '', why: '' },
  policy: openPolicy('flights'),
  arms: [arm('champion', '1', 100), arm('challenger', '2', 0)],
  hold: () => undefined,
  letGo: () => undefined,
};
const call: Call = {
  protocol: 'rows',
  endpoint: 'flights',
  modelVersion: null,
  requestId: null,
  subject: null,
  arm: null,
  credential: { authorization: null, apiKey: null },
  input: { kind: 'records', records: [{}] },
  trace: {},
};
const anyone = { name: null, tester: false };
const tester = { name: 'ada', tester: true };

test('the route decides where the client names nothing', () => {
  const { arm: chosen, as } = chooseVersion(active, call, anyone, 'subject');
  expect([chosen.model.reference.modelVersion, as]).toEqual(['1', 'champion']);
});

test('a version that the client names answers, and is no evidence', () => {
  const { arm: chosen, as } = chooseVersion(active, { ...call, modelVersion: '2' }, anyone, 'subject');
  expect([chosen.model.reference.modelVersion, as]).toEqual(['2', 'direct']);
});

test('a version that is no arm of the route is not found, and those that are are named', () => {
  expect(() => chooseVersion(active, { ...call, modelVersion: '9' }, anyone, 'subject')).toThrow(
    /Version '9' does not answer on endpoint 'flights'; its route has 1, 2\./,
  );
});

test('a tester chooses the arm, also one without weight', () => {
  const { arm: chosen, as } = chooseVersion(active, { ...call, arm: 'challenger' }, tester, 'subject');
  expect([chosen.model.reference.modelVersion, as]).toEqual(['2', 'direct']);
});

test('who is no tester does not', () => {
  expect(() => chooseVersion(active, { ...call, arm: 'challenger' }, anyone, 'subject')).toThrow(
    expect.objectContaining({ code: 'FORBIDDEN' }),
  );
});

test('an arm that the route does not have is the client’s mistake, named', () => {
  expect(() => chooseVersion(active, { ...call, arm: 'blue' }, tester, 'subject')).toThrow(
    expect.objectContaining({ code: 'INPUT_INVALID', details: { field: 'x-perdura-arm' } }),
  );
});
