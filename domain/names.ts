import { CodedError } from './errors.ts';

/** What may stand in a key of the bucket, in a local path and in an address, all at once. */
const plainName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Whether an endpoint may be called so. */
export function isPlainName(name: unknown): name is string {
  return typeof name === 'string' && plainName.test(name);
}

/**
 * Refuses a name that would lead elsewhere as part of a key or a path. A model may lie in folders, such as `late/flights`; an endpoint is one
 * part of an address.
 *
 * @throws CodedError INPUT_INVALID naming it.
 */
export function requireName(kind: 'model' | 'endpoint', name: unknown): void {
  const parts = kind === 'model' && typeof name === 'string' ? name.split('/') : [name];
  if (parts.every(isPlainName)) return;
  throw new CodedError(
    'INPUT_INVALID',
    `${JSON.stringify(name) ?? 'nothing'} cannot name ${kind === 'model' ? 'a model' : 'an endpoint'}. Use a letter or digit, then letters, digits, '.', '_' and '-', 100 at most.`,
    { details: { [kind]: name } },
  );
}
