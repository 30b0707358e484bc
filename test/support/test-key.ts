import { copyFile, mkdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import { openSigningKey, type SigningKey, signingKeyFile } from '../../stores/signing/signing.ts';
import { type TrustedKeys, trustedKeys } from '../../stores/signing/trusted-keys.ts';

/**
 * The folder of the key that packages of tests are signed with: one for all test runs of an account, made by the first. It is not removed,
 * because nobody can tell who is the last.
 */
export function testKeysFolder(): string {
  return join(tmpdir(), `perdura-test-keys-${userInfo().uid}`);
}

export function testKey(): Promise<SigningKey> {
  return openSigningKey(testKeysFolder());
}

/** Makes the key a home folder's own, so that its workers and model servers sign with it and trust packages of this test file. */
export async function useTestKey(homeFolder: string): Promise<void> {
  await testKey();
  const keys = join(homeFolder, 'keys');
  await mkdir(keys, { recursive: true, mode: 0o700 });
  await copyFile(signingKeyFile(testKeysFolder()), signingKeyFile(keys));
}

/** Trusts packages of this test file. */
export const testTrust: TrustedKeys = trustedKeys({ keysFolder: testKeysFolder(), files: null });
