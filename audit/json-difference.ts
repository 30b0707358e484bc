import { canonicalJson } from '../domain/canonical-json.ts';

/** Where two JSON values first differ, and what stands there, shortened for a message. */
export type JsonDifference = { readonly path: string; readonly first: string; readonly second: string };

const longest = 200;

/** The first place, in the order of sorted keys, where two JSON values differ; null when they are equal. */
export function firstJsonDifference(first: unknown, second: unknown, path = '$'): JsonDifference | null {
  const texts = { first: text(first), second: text(second) };
  if (texts.first === texts.second) return null;
  if (isRecord(first) && isRecord(second) && Array.isArray(first) === Array.isArray(second)) {
    const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
    for (const key of [...keys].toSorted()) {
      const step = Array.isArray(first) ? `[${key}]` : `.${key}`;
      const below = firstJsonDifference(first[key], second[key], path + step);
      if (below !== null) return below;
    }
  }
  return { path, first: shorten(texts.first), second: shorten(texts.second) };
}

function text(value: unknown): string {
  return value === undefined ? 'nothing' : canonicalJson(value);
}

function shorten(whole: string): string {
  return whole.length <= longest ? whole : `${whole.slice(0, longest)}… (${whole.length} characters)`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
