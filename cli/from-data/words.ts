import { quoted } from '../schema-text.ts';

/** A column's name as a variable's: `Total charges (EUR)` to `totalChargesEur`. */
export function camelCase(name: string): string {
  const [first = '', ...rest] = wordsOf(name);
  return first + rest.map(capitalised).join('');
}

/** A name as folders and addresses have it: `Late Arrivals 2` to `late-arrivals-2`. */
export function kebabCase(name: string): string {
  return wordsOf(name).join('-');
}

/** Words of small letters and digits; what would begin with a digit, or be nothing, begins with `column`. */
function wordsOf(name: string): readonly string[] {
  const words = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
  return /^[a-z]/.test(words[0] ?? '') ? words : ['column', ...words];
}

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** The name, or with a number behind it where it is taken. */
export function uniqueName(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number += 1) {
    const tried = number === 1 ? name : `${name}${number}`;
    if (!taken.has(tried)) return tried;
  }
}

const plain = /^[A-Za-z_$][\w$]*$/;

/** `row.plan`, or `row['support calls']`. */
export function member(object: string, name: string): string {
  return plain.test(name) ? `${object}.${name}` : `${object}[${quoted(name)}]`;
}

/** A property's name in an object or a type. */
export function property(name: string): string {
  return plain.test(name) ? name : quoted(name);
}

/** A number as a person writes it: `12_500`, `0.35`. */
export function numberText(value: number): string {
  const text = String(value);
  return /^-?\d{5,15}$/.test(text) ? text.replaceAll(/\B(?=(\d{3})+$)/g, '_') : text;
}

/** A value of a record in TypeScript. */
export function valueText(value: number | string | boolean | null): string {
  if (typeof value === 'string') return quoted(value);
  return typeof value === 'number' ? numberText(value) : String(value);
}

/** `12,345 rows`. */
export function counted(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}${number === 1 ? '' : 's'}`;
}
