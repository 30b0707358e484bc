import type { ModelCard } from '../../domain/model-card.ts';
import { lineageFacts, modelFacts, trainingFacts } from './facts.ts';
import { metricRows } from './rows.ts';

/** A card as Markdown, to be put beside the code or into a review. */
export function cardMarkdown(card: ModelCard): string {
  const { about } = card;
  const list = (items: readonly string[], none: string) =>
    items.length === 0 ? none : items.map((item) => `- ${line(item)}`).join('\n');
  return `${[
    `# ${inline(card.model)} ${card.semanticVersion}`,
    `Version ${card.modelVersion}, ${card.status}${card.aliases.length === 0 ? '' : `, ${card.aliases.join(' and ')}`}. Registered ${card.createdAt}.`,
    '## Intended use',
    about === null ? 'Not stated.' : line(about.intendedUse),
    ...(about?.outOfScope === undefined ? [] : [`**Out of scope:** ${inline(about.outOfScope)}`]),
    ...(about?.owner === undefined ? [] : [`**Owner:** ${inline(about.owner)}`]),
    ...(about?.license === undefined ? [] : [`**Licence:** ${inline(about.license)}`]),
    '## Limits',
    list([...(about?.limitations ?? []), ...card.limits], 'None are known.'),
    ...(about?.ethicalConsiderations === undefined
      ? []
      : ['## Ethical considerations', list(about.ethicalConsiderations, '')]),
    '## Model',
    table(['', ''], modelFacts(card)),
    '## Metrics',
    metricTable(card),
    '## Training',
    table(['', ''], trainingFacts(card)),
    '## Lineage',
    table(['', ''], lineageFacts(card)),
    '## Aliases',
    card.moves.length === 0
      ? 'No alias was moved.'
      : table(
          ['at', 'alias', 'from', 'to', 'who', 'why'],
          card.moves.map(({ at, alias, from, to, who, why }) => [at, alias, from ?? '', to ?? '', who, why]),
        ),
    '## Not known',
    list(card.unknown, 'Nothing is missing.'),
  ].join('\n\n')}\n`;
}

function metricTable(card: ModelCard): string {
  const rows = metricRows(card);
  if (rows.length === 0) return 'It was never evaluated.';
  return table(
    ['step', 'metric', 'slice', 'value', 'interval', 'n', 'verdict', 'method'],
    rows.map(({ step, metric, slice, value, interval, n, verdict, method }) => [
      step,
      metric,
      slice ?? '',
      value,
      interval,
      String(n),
      verdict,
      method,
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.map(inline).join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}

/** A line of its own that cannot begin a heading, a list or a rule. */
function line(text: string): string {
  return inline(text)
    .replace(/^[#+=-]/, (start) => `\\${start}`)
    .replace(/^\d+(?=[.)])/, (digits) => `${digits}\\`);
}

/** Text that cannot end a cell, begin markup or break the line. An underscore within a word is left: it marks up nothing. */
function inline(text: string): string {
  return text
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\|<>`[\]*~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, (character) => `\\${character}`);
}
