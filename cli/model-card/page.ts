import { dataText, html, type Markup } from '../../activities/gate/report/markup.ts';
import { htmlDocument } from '../../activities/gate/report/document.ts';
import type { ModelCard } from '../../domain/model-card.ts';
import { lineageFacts, modelFacts, trainingFacts } from './facts.ts';
import { metricRows } from './rows.ts';

const longest = 4_000;

/** A card as one HTML file: no script, nothing loaded, every text escaped, light and dark, printable. */
export function cardPage(card: ModelCard): string {
  const { about } = card;
  const title = `${card.model} ${card.semanticVersion}`;
  return htmlDocument({
    title: `${title}`,
    body: html`<header>
        <h1>${dataText(title, 200)}</h1>
        <p>
          Version ${card.modelVersion}, ${card.status}${card.aliases.map((alias) => `, ${alias}`)}. Registered
          ${card.createdAt}.
        </p>
      </header>
      <main>
        <h2>Intended use</h2>
        <p>${dataText(about?.intendedUse ?? 'Not stated.', longest)}</p>
        ${facts([
          ...(about?.outOfScope === undefined ? [] : [['Out of scope', about.outOfScope] as const]),
          ...(about?.owner === undefined ? [] : [['Owner', about.owner] as const]),
          ...(about?.license === undefined ? [] : [['Licence', about.license] as const]),
        ])}
        <h2>Limits</h2>
        ${list([...(about?.limitations ?? []), ...card.limits], 'None are known.')}
        <h2>Ethical considerations</h2>
        ${list(about?.ethicalConsiderations ?? [], 'None were stated.')}
        <h2>Model</h2>
        ${facts(modelFacts(card))}
        <h2>Metrics</h2>
        ${metrics(card)}
        <h2>Training</h2>
        ${facts(trainingFacts(card))}
        <h2>Lineage</h2>
        ${facts(lineageFacts(card))}
        <h2>Aliases</h2>
        ${moves(card)}
        <h2>Not known</h2>
        ${list(card.unknown, 'Nothing is missing.')}
      </main>`,
  });
}

function facts(pairs: readonly (readonly [string, string])[]): Markup {
  return html`<dl>
    ${pairs.map(
      ([name, text]) =>
        html`<dt>${name}</dt>
          <dd>${dataText(text, longest)}</dd>`,
    )}
  </dl>`;
}

function list(items: readonly string[], none: string): Markup {
  if (items.length === 0) return html`<p>${none}</p>`;
  return html`<ul>
    ${items.map((item) => html`<li>${dataText(item, longest)}</li>`)}
  </ul>`;
}

function metrics(card: ModelCard): Markup {
  const rows = metricRows(card);
  if (rows.length === 0) return html`<p>It was never evaluated.</p>`;
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          <th>Step</th>
          <th>Metric</th>
          <th>Slice</th>
          <th class="number">Value</th>
          <th class="number">Interval</th>
          <th class="number">n</th>
          <th>Verdict</th>
          <th>Method</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              <td>${row.step}</td>
              <td>${dataText(row.metric, 200)}</td>
              <td>${dataText(row.slice ?? '', 200)}</td>
              <td class="number">${row.value}</td>
              <td class="number">${row.interval}</td>
              <td class="number">${row.n}</td>
              <td>${row.verdict}</td>
              <td>${dataText(row.method, 200)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function moves({ moves: all }: ModelCard): Markup {
  if (all.length === 0) return html`<p>No alias was moved.</p>`;
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          <th>At</th>
          <th>Alias</th>
          <th>From</th>
          <th>To</th>
          <th>Who</th>
          <th>Why</th>
        </tr>
      </thead>
      <tbody>
        ${all.map(
          ({ at, alias, from, to, who, why }) =>
            html`<tr>
              <td>${at}</td>
              <td>${alias}</td>
              <td>${from ?? ''}</td>
              <td>${to ?? ''}</td>
              <td>${dataText(who, 200)}</td>
              <td>${dataText(why, longest)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
