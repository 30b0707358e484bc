import { probeHttp, probeTemporal } from '../../services/probe.ts';
import { freshBucketName, testServices } from '../support/services.ts';

test('the services that the whole test run shares answer', async () => {
  const { temporal, s3 } = testServices();
  expect(await probeTemporal(temporal)).toBeNull();
  expect(await probeHttp(s3.endpoint ?? '')).toBeNull();
});

test('every bucket of a test has its own valid name', () => {
  const names = Array.from({ length: 100 }, freshBucketName);
  expect(new Set(names).size).toBe(100);
  expect(names.filter((name) => !/^[a-z0-9-]{3,63}$/.test(name))).toEqual([]);
});
