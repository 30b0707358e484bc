import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { announce } from '../../../activities/release/announce.ts';
import type { CodedFailure } from '../../../domain/failure.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { removeServerReport, writeServerReport } from '../../../stores/server-reports.ts';

const now = () => new Date().toISOString();
const change = { what: 'route', endpoint: 'flights', epoch: 7 } as const;
const nowhere = 'http://127.0.0.1:1';
const problem: CodedFailure = { code: 'MODEL_INVALID', message: 'It does not load.', remedy: '', details: {} };

type Reported = { readonly epoch: number; readonly policyEpoch?: number; readonly problem?: CodedFailure };

function reports(store: ObjectStore, replica: string, reported: Reported, adminUrl = nowhere): Promise<void> {
  const endpoints = [{ endpoint: 'flights', policyEpoch: 0, problem: null, ...reported }];
  return writeServerReport(store, { replica, at: now(), adminUrl, endpoints });
}

/** An admin port; `onHint` runs with each push hint. */
async function adminPort(onHint: () => Promise<void>) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    void onHint().then(() => response.writeHead(202).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked, close: () => server.close() };
}

test('without a model server nothing is waited for', async () => {
  const began = performance.now();
  const store = createMemoryObjectStore();
  expect(await announce(change, { store, now, atMostMs: 60_000 })).toEqual({ servers: 0, behind: [] });
  expect(performance.now() - began).toBeLessThan(5_000);
});

test('each server gets a hint, and the wait is over when all have the epoch', async () => {
  const store = createMemoryObjectStore();
  const first = await adminPort(() => reports(store, 'a', { epoch: 7 }, first.url));
  const second = await adminPort(() => reports(store, 'b', { epoch: 8 }, second.url));
  try {
    await reports(store, 'a', { epoch: 6 }, first.url);
    await reports(store, 'b', { epoch: 6 }, second.url);
    expect(await announce(change, { store, now, atMostMs: 60_000 })).toEqual({ servers: 2, behind: [] });
    expect([...first.asked, ...second.asked]).toEqual(['POST /hint', 'POST /hint']);
  } finally {
    first.close();
    second.close();
  }
});

test('when the time is over the servers that are behind are named', async () => {
  const store = createMemoryObjectStore();
  await reports(store, 'a', { epoch: 7 });
  await reports(store, 'b', { epoch: 6 });
  await writeServerReport(store, { replica: 'c', at: now(), adminUrl: nowhere, endpoints: [] });
  const { servers, behind } = await announce(change, { store, now, atMostMs: 300 });
  expect(servers).toBe(3);
  expect(behind).toEqual([
    expect.stringMatching(/'b' is at epoch 6, .* is at 7$/),
    expect.stringMatching(/'c' does not serve it yet/),
  ]);
});

test('a server that has said why it stays behind is not waited for; what it said before is no answer', async () => {
  const store = createMemoryObjectStore();
  const admin = await adminPort(() => reports(store, 'a', { epoch: 6, problem }, admin.url));
  try {
    await reports(store, 'a', { epoch: 6, problem }, admin.url);
    const { behind } = await announce(change, { store, now, atMostMs: 60_000 });
    expect(behind).toEqual([expect.stringContaining('It does not load.')]);
    expect(admin.asked).toHaveLength(1);
  } finally {
    admin.close();
  }
  const began = performance.now();
  await reports(store, 'a', { epoch: 6, problem });
  await announce(change, { store, now, atMostMs: 300 });
  expect(performance.now() - began).toBeGreaterThanOrEqual(150);
});

test('a server that ends meanwhile is not waited for', async () => {
  const store = createMemoryObjectStore();
  const admin = await adminPort(() => removeServerReport(store, { replica: 'a', at: now() }));
  try {
    await reports(store, 'a', { epoch: 6 }, admin.url);
    expect(await announce(change, { store, now, atMostMs: 60_000 })).toEqual({ servers: 0, behind: [] });
  } finally {
    admin.close();
  }
});

test("of a policy its own epoch counts, not the route's", async () => {
  const store = createMemoryObjectStore();
  await reports(store, 'a', { epoch: 9, policyEpoch: 1 });
  const policy = { ...change, what: 'policy', epoch: 2 } as const;
  expect((await announce(policy, { store, now, atMostMs: 200 })).behind).toHaveLength(1);
  expect((await announce({ ...policy, epoch: 1 }, { store, now, atMostMs: 200 })).behind).toEqual([]);
});

test('an address that is none is no obstacle', async () => {
  const store = createMemoryObjectStore();
  await reports(store, 'a', { epoch: 7 }, 'not an address');
  expect(await announce(change, { store, now, atMostMs: 200 })).toEqual({ servers: 1, behind: [] });
});
