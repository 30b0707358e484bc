import type { SearchParams, SearchRecord } from '../domain/search.ts';
import { factsOf } from '../domain/compare-facts.ts';
import { coloured, elapsed, heading, table } from './output.ts';
import { costText, numberText } from './training-facts.ts';

/** A search for a person: what was searched and what it used, and every trial, the best first. */
export function describeSearch(record: SearchRecord): string {
  const { objective, strategy, spent, best, endedBy, currency } = record;
  const cost = spent.cost === null || currency === null ? '' : `, ${costText({ amount: spent.cost, currency })}`;
  const lines: readonly (readonly [string, string])[] = [
    ['model', record.model],
    [
      'searched',
      `${Object.keys(record.space).join(', ')} by ${strategy.kind}, ${record.parallel} at once, seed ${record.seed}`,
    ],
    ['for', `${objective.metric}, ${objective.direction} is better`],
    [
      'best',
      best === null
        ? 'none: no trial has a score'
        : `trial ${best.number}: ${numberText(best.score)} with ${paramsText(best.params)}`,
    ],
    ['used', `${spent.trials} trials, ${elapsed(spent.elapsedMs)}${cost}`],
    ['ended', endedBy],
  ];
  const head = lines.map(([name, text]) => `${name.padEnd(9)} ${text}`).join('\n');
  return `${heading(`Search ${record.stepId}`)}\n${head}\n\n${trialTable(record)}`;
}

function trialTable({ trials, objective }: SearchRecord): string {
  const sign = objective.direction === 'higher' ? -1 : 1;
  const ordered = trials.toSorted((a, b) => {
    if (a.score === null || b.score === null) return Number(a.score === null) - Number(b.score === null);
    return b.rung - a.rung || sign * (a.score - b.score);
  });
  return table(
    ['TRIAL', objective.metric.toUpperCase(), 'STATUS', 'EPOCHS', 'TOOK', 'PARAMS', 'REASON'],
    ordered.map((trial) => [
      String(trial.number),
      trial.score === null ? '' : numberText(trial.score),
      coloured(trial.status),
      trial.epochs === null ? '' : String(trial.epochs),
      elapsed(trial.elapsedMs),
      paramsText(trial.params),
      firstLine(trial.reason ?? ''),
    ]),
  );
}

function paramsText(params: SearchParams): string {
  return Object.entries(params)
    .flatMap(([name, value]) => Object.entries(factsOf(value, name)))
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function firstLine(text: string): string {
  const [line = ''] = text.split('\n');
  return line.length <= longestReason ? line : `${line.slice(0, longestReason - 1)}…`;
}

const longestReason = 120;
