import { createDecipheriv } from 'node:crypto';

const nonceBytes = 12;
const tagBytes = 16;

/** What an encrypted value is bound to: the row and the column that it stands in. */
export function boundTo(requestId: string, column: string): Uint8Array {
  return Buffer.from(JSON.stringify([requestId, column]));
}

/**
 * Opens the encrypted columns of a row's `record` or `features` (JSON text) with the key of its `keyId`; null: the key is deleted, and the columns
 * stay as they are. A value that this key does not open stays as it is too: a client can send an object that only looks encrypted.
 */
export function decryptColumns(text: string, requestId: string, key: Uint8Array | null): string {
  if (key === null || !text.includes('"enc":"')) return text;
  const columns: unknown = JSON.parse(text);
  if (typeof columns !== 'object' || columns === null || Array.isArray(columns)) return text;
  const opened = Object.entries(columns).map(([name, value]) => [name, decrypt(value, boundTo(requestId, name), key)]);
  return JSON.stringify(Object.fromEntries(opened));
}

function decrypt(value: unknown, bound: Uint8Array, key: Uint8Array): unknown {
  if (typeof value !== 'object' || value === null || !('enc' in value) || typeof value.enc !== 'string') return value;
  const bytes = Buffer.from(value.enc, 'base64');
  if (bytes.length < nonceBytes + tagBytes) return value;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes))
    .setAAD(bound)
    .setAuthTag(bytes.subarray(-tagBytes));
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
    return JSON.parse(text.toString('utf8'));
  } catch {
    return value;
  }
}
