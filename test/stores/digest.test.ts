import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sha256File, sha256Hex } from '../../stores/digest.ts';

// FIPS 180-2, appendix B.1 and B.3.
const ofAbc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const ofMillionA = 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0';

test('SHA-256 of text and bytes is the one of the standard', () => {
  expect(sha256Hex('abc')).toBe(ofAbc);
  expect(sha256Hex(new Uint8Array([97, 98, 99]))).toBe(ofAbc);
});

test('SHA-256 of a file is the one of the standard', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-digest-'));
  const path = join(folder, 'a');
  await writeFile(path, 'a'.repeat(1_000_000));
  expect(await sha256File(path)).toBe(ofMillionA);
  await rm(folder, { recursive: true });
});
