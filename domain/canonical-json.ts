/**
 * JSON text with sorted keys and no spaces: the same value gives the same bytes, so that digests of it mean something.
 * `undefined` members are left out; numbers are written as JavaScript does (RFC 8785 agrees for finite numbers).
 *
 * @throws TypeError on NaN and infinities: they have no JSON form, and null would be a lie.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`);
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
