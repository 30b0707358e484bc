import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import type { EncryptPolicy, EndpointPolicy, LogPolicy } from '../../domain/endpoint-policy.ts';
import { boundTo } from '../../stores/encrypted-columns.ts';
import { jsonText } from './lines.ts';
import type { LoggedRow } from './log-writer.ts';
import type { SubjectKey, SubjectKeys } from './subject-keys.ts';

const nonceBytes = 12;

/** What of a row may be seen, as JSON text. */
export type Hidden = {
  readonly subject: string;
  readonly record: string;
  readonly features: string;
  readonly error: string | null;
  readonly keyId: string | null;
};

/**
 * Takes the redacted columns out of a row and puts the encrypted ones under the key of their group. An error's text may quote a value, so that where
 * anything is hidden only its code is kept. A record that is no object has no columns to hide by name, and is left out altogether.
 *
 * @throws CodedError DISK_FULL when a new key cannot be kept.
 */
export function hideColumns(policy: EndpointPolicy, row: LoggedRow, keys: SubjectKeys): Hidden {
  const { redact, encrypt } = policy.log;
  if (redact.length === 0 && encrypt === null) {
    const { subject, error } = row;
    return { subject, record: jsonText(row.record), features: jsonText(row.features), error, keyId: null };
  }
  const key = encrypt === null ? null : keys.keyOf(row.endpoint, groupOf(encrypt, row));
  const error = row.error === null ? null : (row.error.split(':', 1)[0] ?? null);
  return {
    subject: encrypt?.group === null ? sha256(row.subject) : row.subject,
    record: jsonText(hidden(row.record, policy.log, { row, key })),
    features: jsonText(hidden(row.features, policy.log, { row, key })),
    error,
    keyId: key?.keyId ?? null,
  };
}

/** The group's value in the raw record; where the request came as tensors in its features; the subject where neither has it. */
function groupOf({ group }: EncryptPolicy, row: LoggedRow): string {
  if (group === null) return row.subject;
  const value = valueOf(row.record, group) ?? valueOf(row.features, group);
  if (value === undefined || value === null) return row.subject;
  return typeof value === 'string' ? value : jsonText(value);
}

function valueOf(from: unknown, name: string): unknown {
  if (typeof from !== 'object' || from === null || !Object.hasOwn(from, name)) return undefined;
  return (from as Readonly<Record<string, unknown>>)[name];
}

function hidden(
  from: unknown,
  policy: LogPolicy,
  { row, key }: { readonly row: LoggedRow; readonly key: SubjectKey | null },
): unknown {
  if (typeof from !== 'object' || from === null || Array.isArray(from)) return null;
  const kept: [string, unknown][] = [];
  for (const [name, value] of Object.entries(from)) {
    if (policy.redact.includes(name)) continue;
    const secret = key !== null && policy.encrypt?.columns.includes(name) === true;
    kept.push([name, secret ? encrypted(key, boundTo(row.requestId, name), jsonText(value)) : value]);
  }
  return Object.fromEntries(kept);
}

/** AES-256-GCM: nonce of 12 bytes, ciphertext, tag of 16 bytes. Bound to its row and column, so that nobody can move it elsewhere. */
function encrypted({ key }: SubjectKey, bound: Uint8Array, text: string): { readonly enc: string } {
  const nonce = nextNonce();
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(bound);
  const bytes = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return { enc: bytes.toString('base64') };
}

/** Random bytes are drawn for many values at once: one by one that takes longer than to encrypt. */
let drawn = Buffer.alloc(0);

function nextNonce(): Uint8Array {
  if (drawn.length < nonceBytes) drawn = randomBytes(nonceBytes * 1_024);
  const nonce = drawn.subarray(0, nonceBytes);
  drawn = drawn.subarray(nonceBytes);
  return nonce;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
