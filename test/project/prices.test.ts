import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPrices } from '../../project/prices.ts';
import { rejection } from '../support/embedded.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-prices-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const given = (text: string) => writeFile(join(folder, 'prices.json'), text);

test('a project without a table has no prices', async () => {
  expect(await readPrices(folder)).toBeNull();
});

test('a table is read as it stands; devices may be left out', async () => {
  await given('{ "currency": "EUR", "cpuHour": 0.04 }');
  expect(await readPrices(folder)).toEqual({ currency: 'EUR', cpuHour: 0.04, gpuHour: {} });
});

test('every field that does not hold up is named at once', async () => {
  await given('{ "currency": "euro", "cpuHour": -1, "gpuHour": { "*": "2" }, "cpu": 3 }');
  const { code, message } = await rejection(readPrices(folder));
  expect(code).toBe('PROJECT_INVALID');
  for (const field of ['currency', 'cpuHour', 'gpuHour.*', '"cpu"']) expect(message).toContain(field);
});

test('a file that is not JSON is told by its path', async () => {
  await given('{');
  expect(await rejection(readPrices(folder))).toMatchObject({
    code: 'PROJECT_INVALID',
    message: expect.stringContaining(join(folder, 'prices.json')),
  });
});
