import type { Field, LearningPlan, TimePart } from './plan.ts';
import { member, numberText, property, valueText } from './words.ts';

/** One line of the object that the feature function returns. */
type Line = { readonly name: string; readonly expression: string };

const typeOf = { number: 'number', string: 'string', boolean: 'boolean', timestamp: 'number' } as const;

/** features.ts: the record, its type, what stands in for missing values, and the function. */
export function featuresText({ fields, dataFile }: LearningPlan): string {
  const lines = fields.flatMap(linesOf);
  const usual = fields.flatMap(({ name, use }) => {
    if (!('usual' in use) || use.usual === null) return [];
    if (use.kind === 'time') return [`  ${name}: Date.parse('${new Date(use.usual).toISOString()}'),`];
    return [`  ${name}: ${valueText(use.usual)},`];
  });
  const parts = [
    `/** A row as a client sends one${fields.some(({ optional }) => optional) ? '. What ends with a question mark may be null or left out' : ''}. */
export const record = {
${fields.map(({ column, type, optional }) => `  ${property(column)}: '${type}${optional ? '?' : ''}',`).join('\n')}
} as const;`,
    `${fields.some(({ type }) => type === 'timestamp') ? '/** Times arrive as epoch milliseconds. */\n' : ''}type Row = {
${fields.map(({ column, type, optional }) => `  readonly ${property(column)}: ${typeOf[type]}${optional ? ' | null' : ''};`).join('\n')}
};`,
    ...(usual.length === 0
      ? []
      : [
          `/** What stands in for a missing value: ${standsIn(fields)} in data/${dataFile}. */\nconst usual = {\n${usual.join('\n')}\n};`,
        ]),
    ...helpers(fields),
    `/** What is known of a row. Pure: the same code runs over the snapshot in training and inside the model server. */
export function features(row: Row) {
  return {
${lines.map(({ name, expression }) => `    ${name}: ${expression},`).join('\n')}
  };
}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function linesOf({ column, name, optional, use }: Field): readonly Line[] {
  const given = member('row', column);
  const missing = (expression: string): Line => ({ name: `${name}Missing`, expression });
  const isNull = `${given} === null ? 1 : 0`;
  switch (use.kind) {
    case 'number': {
      const value = use.usual === null ? given : `${given} ?? usual.${name}`;
      return [
        { name, expression: use.logged ? logged(value) : value },
        ...(use.usual === null ? [] : [missing(isNull)]),
      ];
    }
    case 'numberText': {
      const read = `numberIn(${given})`;
      const value = `${read} ?? usual.${name}`;
      return [{ name, expression: use.logged ? logged(value) : value }, missing(`${read} === null ? 1 : 0`)];
    }
    case 'boolean':
      if (use.usual === null) return [{ name, expression: `${given} ? 1 : 0` }];
      return [{ name, expression: `(${given} ?? usual.${name}) ? 1 : 0` }, missing(isNull)];
    case 'category':
      return [{ name, expression: optional ? `${given} ?? 'missing'` : given }];
    case 'time': {
      const time = use.usual === null ? given : `${given} ?? usual.${name}`;
      const lines = use.parts.map((part) => timeLine(name, { part, time }));
      return use.usual === null ? lines : [...lines, missing(isNull)];
    }
    case 'given':
      return [{ name: `${name}Given`, expression: `${given} === null ? 0 : 1` }];
    default:
      return use satisfies never;
  }
}

function standsIn(fields: readonly Field[]): string {
  const filled = fields.filter(({ use }) => 'usual' in use && use.usual !== null);
  const either = filled.some(({ use }) => use.kind === 'boolean');
  const medians = filled.some(({ use }) => use.kind !== 'boolean');
  return [...(medians ? ['the median'] : []), ...(either ? ['what is so more often'] : [])].join(', or ');
}

/** A value below zero, which the data does not have, would have no logarithm. */
function logged(value: string): string {
  return `Math.log1p(Math.max(0, ${value}))`;
}

function timeLine(name: string, { part, time }: { readonly part: TimePart; readonly time: string }): Line {
  switch (part) {
    case 'hour':
      return { name: `${name}Hour`, expression: `new Date(${time}).getUTCHours()` };
    case 'weekday':
      return { name: `${name}Weekday`, expression: `weekday(${time})` };
    case 'month':
      return { name: `${name}Month`, expression: `new Date(${time}).getUTCMonth() + 1` };
    case 'year':
      return { name: `${name}Year`, expression: `new Date(${time}).getUTCFullYear()` };
    default:
      return part satisfies never;
  }
}

function helpers(fields: readonly Field[]): readonly string[] {
  const isDay = fields.some(({ use }) => use.kind === 'time' && use.parts.includes('weekday'));
  const words = fields.flatMap(({ use }) => (use.kind === 'numberText' ? use.words : []));
  const told = [...new Set(words)].map((word) => valueText(word)).join(', ');
  return [
    ...(isDay
      ? [
          `const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const weekday = (time: number) => weekdays[new Date(time).getUTCDay()] ?? '';`,
        ]
      : []),
    ...(told === ''
      ? []
      : [
          `/** The number that a text holds; null for ${told.replaceAll('*/', '* /')} and whatever else is none. */
function numberIn(text: string | null): number | null {
  const number = Number(text ?? '');
  return text === null || text.trim() === '' || !Number.isFinite(number) ? null : number;
}`,
        ]),
  ];
}

/** Names of the features in the order of features.ts. */
export function featureNamesOf({ fields }: Pick<LearningPlan, 'fields'>): readonly string[] {
  return fields.flatMap(linesOf).map(({ name }) => name);
}

/** The features that say that a value was missing, with what stands in: for the test. */
export function missingOf({ fields }: Pick<LearningPlan, 'fields'>): {
  readonly column: string;
  readonly expected: string;
} | null {
  const found = fields.find(({ use }) => use.kind === 'number' && use.usual !== null && !use.logged);
  if (found === undefined || found.use.kind !== 'number' || found.use.usual === null) return null;
  return {
    column: found.column,
    expected: `{ ${found.name}: ${numberText(found.use.usual)}, ${found.name}Missing: 1 }`,
  };
}
