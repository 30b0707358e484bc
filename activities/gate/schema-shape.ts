import type { DriftStatistic, Expectation } from '../../domain/expectation.ts';
import type { ColumnType } from '../../domain/snapshot.ts';

/** What a member must be, in words, and whether a value is that. */
type Member = { readonly is: string; readonly fits: (value: unknown) => boolean };
type Members = Readonly<Record<string, Member>>;
/** `kind` aside, and what every expectation may have. */
type Shape = { readonly required: Members; readonly optional?: Members };

const text: Member = { is: 'a text', fits: (value) => typeof value === 'string' };
const filledText: Member = {
  is: 'a text that is not empty',
  fits: (value) => typeof value === 'string' && value !== '',
};
const texts: Member = {
  is: 'a list of texts',
  fits: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
};
const flag: Member = { is: 'true or false', fits: (value) => typeof value === 'boolean' };
/** JSON writes null for NaN and infinities: such a bound must not pass for none. */
const number: Member = { is: 'a number', fits: (value) => typeof value === 'number' };
const reference: Member = {
  is: "'previous', { snapshot } or { endpoint, since }",
  fits: (value) => value === 'previous' || hasTexts(value, ['snapshot']) || hasTexts(value, ['endpoint', 'since']),
};

const column = { column: filledText };
const bounds = { min: number, max: number };
const numberPer = { required: column, optional: { ...bounds, per: filledText } };

const shapes: Readonly<Record<Expectation['kind'], Shape>> = {
  type: {
    required: {
      ...column,
      type: oneOf<ColumnType>('boolean', 'integer', 'number', 'string', 'timestamp', 'other'),
    },
    optional: { zoned: flag },
  },
  notNull: { required: column },
  between: { required: column, optional: bounds },
  oneOf: { required: { ...column, values: texts } },
  matches: { required: { ...column, pattern: text } },
  condition: { required: { name: filledText, sql: filledText } },
  rowFunction: { required: { name: filledText, columns: texts } },
  quantileBetween: { required: { ...column, quantile: number }, optional: numberPer.optional },
  meanBetween: numberPer,
  sumBetween: numberPer,
  monotonic: {
    required: { ...column, direction: oneOf('increasing', 'decreasing') },
    optional: { strict: flag, by: filledText },
  },
  fresh: { required: { ...column, within: text } },
  references: { required: { ...column, in: filledText, to: filledText } },
  rowCount: { required: {}, optional: { ...bounds, per: filledText } },
  volume: { required: {}, optional: bounds },
  unique: { required: { columns: texts } },
  onlyColumns: { required: { columns: texts }, optional: { ordered: flag } },
  drift: {
    required: {
      ...column,
      statistic: oneOf<DriftStatistic>('psi', 'ks', 'chiSquare', 'jensenShannon', 'wasserstein', 'lInfinity'),
      atMost: number,
      against: reference,
    },
  },
};

const everywhere: Members = { severity: oneOf('block', 'warn'), environments: texts };

/**
 * What is wrong with a schema as plain JSON, a sentence each: kinds that do not exist, members that lack, are misspelt or of another type.
 * It may have been written without a compiler, and a severity or a bound that is read as something else would let bad data pass.
 */
export function shapeProblems(schema: { readonly [name: string]: unknown }): readonly string[] {
  const { expectations } = schema;
  const shares = memberProblems(schema, { quarantineUpTo: number, falseDiscoveryRate: number });
  if (!Array.isArray(expectations)) return [...shares, 'expectations is no list'];
  return [...shares, ...expectations.flatMap((expectation: unknown, place) => ofExpectation(expectation, place + 1))];
}

function ofExpectation(expectation: unknown, place: number): readonly string[] {
  if (typeof expectation !== 'object' || expectation === null)
    return [`expectation ${place} is ${said(expectation)}, no object`];
  const given = expectation as Readonly<Record<string, unknown>>;
  const kind = given['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(shapes, kind))
    return [`expectation ${place} is of kind ${said(kind)}; there are ${Object.keys(shapes).join(', ')}`];
  const { required, optional } = shapes[kind as Expectation['kind']];
  const known = { ...required, ...optional, ...everywhere };
  const strange = Object.keys(given).filter((name) => name !== 'kind' && !Object.hasOwn(known, name));
  return [
    ...Object.keys(required)
      .filter((name) => given[name] === undefined)
      .map((name) => `has no ${name}`),
    ...memberProblems(given, known),
    ...strange.map((name) => `has '${name}', which ${kind} does not know`),
  ].map((problem) => `expectation ${place} (${kind}) ${problem}`);
}

function memberProblems(given: Readonly<Record<string, unknown>>, members: Members): readonly string[] {
  return Object.entries(members)
    .filter(([name, { fits }]) => given[name] !== undefined && !fits(given[name]))
    .map(([name, { is }]) => `has ${name} ${said(given[name])}, which is not ${is}`);
}

function oneOf<Word extends string>(...words: readonly Word[]): Member {
  return { is: `one of ${words.join(', ')}`, fits: (value) => words.some((word) => word === value) };
}

function hasTexts(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const members = Object.entries(value);
  return (
    members.length === names.length && members.every(([name, member]) => names.includes(name) && text.fits(member))
  );
}

function said(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}
