import type { DistributionFinding, SampleRow, Violation } from '../../../domain/validation-report.ts';
import { dataText, html, type Markup } from './markup.ts';

/** Rows a table shows; the report as JSON has all. */
const mostRows = 200;

/** Values a sample row shows, the violation's own column first. */
const mostValues = 8;

/** How many characters of a text a cell shows. */
const cut = { name: 80, text: 200, value: 80 } as const;

/** What did not hold, what blocks first, each with its sample rows. */
export function violationTable(violations: readonly Violation[]): Markup {
  if (violations.length === 0) return html`<p>None: every expectation held.</p>`;
  const sorted = violations.toSorted((a, b) => Number(a.severity === 'warn') - Number(b.severity === 'warn'));
  const shown = sorted.slice(0, mostRows);
  return html`<div class="wide" role="region" aria-label="Broken expectations" tabindex="0">
    <table>
      <caption>
        ${countOf(shown.length, sorted.length)} What blocks stands first; sample rows are counted from 1 within their
        file.
      </caption>
      <thead>
        <tr>
          <th scope="col">Expectation</th>
          <th scope="col">Column</th>
          <th scope="col">Severity</th>
          <th scope="col" class="number">Count</th>
          <th scope="col">Expected</th>
          <th scope="col">Observed</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map(violationRows)}
      </tbody>
    </table>
  </div>`;
}

/** How each column that is held against a reference lies beside it, drifted ones first. */
export function distributionTable(distributions: readonly DistributionFinding[]): Markup {
  if (distributions.length === 0) return html`<p>No distribution was compared.</p>`;
  const sorted = distributions.toSorted((a, b) => rankOf(a) - rankOf(b));
  const shown = sorted.slice(0, mostRows);
  return html`<div class="wide" role="region" aria-label="Distributions" tabindex="0">
    <table>
      <caption>
        ${countOf(shown.length, sorted.length)} Drifted: beyond what the statistic is on average without drift by more
        than the limit, and the chi-square test says that this is no chance (adjusted over all columns).
      </caption>
      <thead>
        <tr>
          <th scope="col">Column</th>
          <th scope="col">Against</th>
          <th scope="col">Statistic</th>
          <th scope="col" class="number">Value</th>
          <th scope="col" class="number">Without drift</th>
          <th scope="col" class="number">Limit beyond</th>
          <th scope="col" class="number">Adjusted p</th>
          <th scope="col">Result</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map(distributionRow)}
      </tbody>
    </table>
  </div>`;
}

/** A number for a person: four significant digits, thousands set apart; a very small one as a power of ten. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(1);
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
}

function violationRows(violation: Violation): Markup {
  const { code, column, severity, count, expected, observed, samples } = violation;
  return html` <tr>
      <th scope="row"><code>${code}</code></th>
      <td>${column === null ? 'the table' : dataText(column, cut.name)}</td>
      <td>${severity === 'block' ? 'blocks' : 'warns'}</td>
      <td class="number">${numberText(count)}</td>
      <td>${dataText(expected, cut.text)}</td>
      <td>${dataText(observed, cut.text)}</td>
    </tr>
    ${
      samples.length === 0
        ? null
        : html` <tr>
            <td colspan="6">
              <ul class="samples" aria-label="Sample rows">
                ${samples.map((sample) => sampleItem(sample, column))}
              </ul>
            </td>
          </tr>`
    }`;
}

function sampleItem({ key, row, values }: SampleRow, column: string | null): Markup {
  const names = Object.keys(values);
  const first = column !== null && names.includes(column) ? [column] : [];
  const ordered = [...first, ...names.filter((name) => name !== column)];
  const left = ordered.length - mostValues;
  const pairs = ordered
    .slice(0, mostValues)
    .map((name) => html` ${dataText(name, cut.name)}=${dataText(valueText(values[name]), cut.value)}`);
  return html`<li>
    ${dataText(key, cut.text)}, row ${numberText(row)}:${pairs}${left > 0 ? ` and ${left} more` : null}
  </li>`;
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(value) ?? 'null';
}

function distributionRow(finding: DistributionFinding): Markup {
  const { column, against, statistic, value, expected, atMost, adjustedPValue } = finding;
  const numbers =
    value === null
      ? ['–', '–', numberText(atMost), '–']
      : [...[value, expected, atMost].map(numberText), adjustedPValue > 0 ? numberText(adjustedPValue) : '< 1e-300'];
  return html` <tr>
    <th scope="row">${dataText(column, cut.name)}</th>
    <td>${dataText(against, cut.name)}</td>
    <td>${statistic}</td>
    ${numbers.map((text) => html`<td class="number">${text}</td>`)}
    <td>${resultOf(finding)}</td>
  </tr>`;
}

function resultOf({ value, drifted }: DistributionFinding): Markup {
  if (value === null) return html`nothing to compare`;
  return drifted ? html`<strong>drifted</strong>` : html`as before`;
}

function rankOf({ value, drifted }: DistributionFinding): number {
  if (drifted) return 0;
  return value === null ? 1 : 2;
}

function countOf(shown: number, all: number): string {
  return shown === all ? `${all} in all.` : `The first ${shown} of ${all}; the report as JSON has all.`;
}
