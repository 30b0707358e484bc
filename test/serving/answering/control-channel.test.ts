import { createControlChannel } from '../../../serving/answering/control-channel.ts';
import type { EndpointStatus } from '../../../serving/endpoint-status.ts';
import type { FromAnswering } from '../../../serving/messages.ts';

const status: EndpointStatus = {
  endpoint: 'flights',
  epoch: 3,
  arms: [],
  shadows: [],
  answered: 5,
  failed: 0,
  shadowed: 0,
  shadowDropped: 0,
  logged: 5,
  problem: null,
};

function channelWithWire() {
  const sent: FromAnswering[] = [];
  return { sent, channel: createControlChannel((message) => void sent.push(message)) };
}

test('the answer to a question goes to who asked it, in any order', async () => {
  const { sent, channel } = channelWithWire();
  const [first, second] = [channel.status('one'), channel.status('two')];
  expect(sent).toEqual([
    { type: 'ask', ask: 1, what: 'status', endpoint: 'one' },
    { type: 'ask', ask: 2, what: 'status', endpoint: 'two' },
  ]);
  channel.told({ type: 'told', ask: 2, status: { ...status, endpoint: 'two' }, failure: null });
  channel.told({ type: 'told', ask: 1, status: { ...status, endpoint: 'one' }, failure: null });
  expect((await first).endpoint).toBe('one');
  expect((await second).endpoint).toBe('two');
});

test('requests for an endpoint that is not in force yet ask once together', async () => {
  const { sent, channel } = channelWithWire();
  const asked = [channel.follow('new'), channel.follow('new'), channel.follow('new')];
  expect(sent).toHaveLength(1);
  channel.told({ type: 'told', ask: 1, status: null, failure: null });
  await Promise.all(asked);
  const again = channel.follow('new');
  expect(sent).toHaveLength(2);
  channel.told({ type: 'told', ask: 2, status: null, failure: null });
  await again;
});

test('a failure comes with its code, message and details', async () => {
  const { channel } = channelWithWire();
  const asked = channel.follow('missing');
  const failure = { code: 'NOT_FOUND' as const, message: 'There is none.', remedy: '', details: { notInForce: true } };
  channel.told({ type: 'told', ask: 1, status: null, failure });
  await expect(asked).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: 'There is none.',
    details: { notInForce: true },
  });
});

test('an answer to no question is of no consequence', () => {
  const { channel, sent } = channelWithWire();
  channel.told({ type: 'told', ask: 7, status: null, failure: null });
  expect(sent).toEqual([]);
});
