import type { FeatureModule } from '../../domain/features.ts';
import { fieldType } from '../../domain/features.ts';

/** Which field of the record each feature is. */
export type PassedColumns = ReadonlyMap<string, string>;

const name = String.raw`[A-Za-z_$][\w$]*`;
/** `function f(row) { return { … }; }`, `(row) => ({ … })`, `(row) => { return { … }; }`, `row => ({ … })`, with a second argument that is not used. */
const shapes = [
  new RegExp(
    String.raw`^function\s*(?:${name})?\s*\(\s*(${name})\s*(?:,\s*${name}\s*)?\)\s*\{\s*return\s*\{([^{}]*)\}\s*;?\s*\}$`,
  ),
  new RegExp(String.raw`^\(?\s*(${name})\s*(?:,\s*${name}\s*)?\)?\s*=>\s*\(\s*\{([^{}]*)\}\s*\)$`),
  new RegExp(String.raw`^\(?\s*(${name})\s*(?:,\s*${name}\s*)?\)?\s*=>\s*\{\s*return\s*\{([^{}]*)\}\s*;?\s*\}$`),
];
const property = new RegExp(
  String.raw`^(?:(${name})|"([^"\\]*)"|'([^'\\]*)')\s*:\s*(${name})(?:\.(${name})|\["([^"\\]*)"\]|\['([^'\\]*)'\])$`,
);

/**
 * The columns of a feature function that does nothing but name fields of its record (`(row) => ({ age: row.age })`), read from its text:
 * then SQL can do it. Null where the text is anything else: a comment, a spread, a call, a computed value, a boolean.
 */
export function passedColumns(features: FeatureModule): PassedColumns | null {
  const text = Function.prototype.toString.call(features.features).trim();
  const [, argument, body] = shapes.map((shape) => shape.exec(text)).find((match) => match !== null) ?? [];
  if (argument === undefined || body === undefined) return null;
  const parts = body.split(',').map((part) => part.trim());
  if (parts.at(-1) === '') parts.pop();
  const found = new Map<string, string>();
  for (const part of parts) {
    const [, plain, double, single, object, field, bracket, quoted] = property.exec(part) ?? [];
    const feature = plain ?? double ?? single;
    const column = field ?? bracket ?? quoted;
    if (feature === undefined || column === undefined || object !== argument) return null;
    if (feature === '__proto__' || found.has(feature)) return null;
    const type = Object.hasOwn(features.record, column) ? features.record[column] : undefined;
    if (type === undefined || fieldType(type).type === 'boolean') return null;
    found.set(feature, column);
  }
  return found.size === 0 ? null : found;
}
