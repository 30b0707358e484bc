import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import {
  readServerReports,
  removeServerReport,
  type ServerReport,
  writeServerReport,
} from '../../stores/server-reports.ts';

function report(replica: string, at: Date): ServerReport {
  const endpoints = [{ endpoint: 'flights', epoch: 3, policyEpoch: 0, problem: null }];
  return { replica, at: at.toISOString(), adminUrl: 'http://127.0.0.1:1', endpoints };
}

const now = new Date();
const before = (seconds: number): Date => new Date(now.getTime() - seconds * 1_000);

test('servers that reported within 30 seconds live, others are gone', async () => {
  const store = createMemoryObjectStore();
  const [fresh, late, gone] = [report('a', now), report('b', before(29)), report('c', before(31))];
  for (const each of [gone, late, fresh]) await writeServerReport(store, each);
  expect(await readServerReports(store, now.toISOString())).toEqual([fresh, late]);
});

test('a server that has ended is gone at once, and back when it reports again', async () => {
  const store = createMemoryObjectStore();
  await writeServerReport(store, report('a', before(1)));
  await removeServerReport(store, { replica: 'a', at: now.toISOString() });
  expect(await readServerReports(store, now.toISOString())).toEqual([]);
  await writeServerReport(store, report('a', now));
  expect(await readServerReports(store, now.toISOString())).toEqual([report('a', now)]);
});

test('the newest report of a server counts', async () => {
  const store = createMemoryObjectStore();
  await writeServerReport(store, report('a', before(5)));
  const newer = { ...report('a', now), endpoints: [] };
  await writeServerReport(store, newer);
  expect(await readServerReports(store, now.toISOString())).toEqual([newer]);
});
