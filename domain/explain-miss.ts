import type { StepCacheParts } from './step-cache.ts';

/** A result that is kept, as far as a miss is explained by it. `name` is its run for a person. */
export type KeptParts = { readonly name: string; readonly parts: StepCacheParts };

/** One value that differs: its path within its part, and both values; undefined where a side has none. */
type Difference = { readonly path: string; readonly now: unknown; readonly before: unknown };

const titles = { code: 'code', inputs: 'data', params: 'params', environment: 'environment' } as const;
const partNames = ['code', 'inputs', 'params', 'environment'] as const;

/** Values of one part that a sentence tells. */
const mostTold = 4;
const longestValue = 60;

/**
 * Why a training was computed although others are kept: what differs from the nearest of them, the one with the fewest different values.
 *
 * @example missSentence(parts, kept) // 'Nearest is flights/17: params differ: trainer.epochs 2, was 3.'
 */
export function missSentence(parts: StepCacheParts, kept: readonly KeptParts[]): string {
  const compared = kept.map((each) => ({ name: each.name, differences: differencesOf(parts, each.parts) }));
  const nearest = compared.toSorted((a, b) => a.differences.count - b.differences.count)[0];
  if (nearest === undefined) return 'No training of this model is kept yet.';
  if (nearest.differences.count === 0) return `An equal training of ${nearest.name} is kept under another key.`;
  return `Nearest is ${nearest.name}: ${nearest.differences.sentences.join('; ')}.`;
}

function differencesOf(
  now: StepCacheParts,
  before: StepCacheParts,
): { readonly count: number; readonly sentences: readonly string[] } {
  const found = partNames.map((part) => ({ part, all: differences('', now[part], before[part]) }));
  const unlike = found.filter(({ all }) => all.length > 0);
  return {
    count: unlike.reduce((sum, { all }) => sum + all.length, 0),
    sentences: unlike.map(({ part, all }) => sentence(titles[part], all)),
  };
}

function sentence(title: string, all: readonly Difference[]): string {
  const told = all.slice(0, mostTold).map(({ path, now, before }) => `${path} ${shown(now)}, was ${shown(before)}`);
  const rest = all.length > mostTold ? ` and ${all.length - mostTold} more` : '';
  return `${title} differ${title === 'params' ? '' : 's'}: ${told.join(', ')}${rest}`;
}

/** Members are compared one by one; lists of another length, and everything else, as a whole. */
function differences(path: string, now: unknown, before: unknown): readonly Difference[] {
  if (!isObject(now) || !isObject(before)) return equal(now, before) ? [] : [{ path, now, before }];
  const names = [...new Set([...Object.keys(now), ...Object.keys(before)])].toSorted();
  return names.flatMap((name) => differences(path === '' ? name : `${path}.${name}`, now[name], before[name]));
}

function equal(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, place) => differences('', item, b[place]).length === 0);
  return a === b;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Digests by their first letters. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 12) : cut(value);
  return cut(JSON.stringify(value));
}

function cut(text: string): string {
  return text.length <= longestValue ? text : `${text.slice(0, longestValue - 1)}…`;
}
