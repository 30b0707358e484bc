import type { ColumnStatistics } from '../../../domain/column-statistics.ts';
import type { ColumnPicture, GateDecision, GateFindings } from '../../../domain/validation-report.ts';
import { type Content, dataText, html, type Markup, shortened } from './markup.ts';
import { columnChart, sharesOf } from './chart.ts';
import { htmlDocument } from './document.ts';
import { distributionTable, numberText, violationTable } from './tables.ts';

/** What the gate found, and what the page says about where and when. `checkedAt` is an ISO date. */
export type ReportFindings = GateFindings & {
  readonly title: string;
  readonly checkedAt: string;
  readonly environment: string;
};

/** Columns that the page draws: with it, and with every text cut, a page stays under 2 MB whatever the data holds. */
const mostPictures = 50;

/** Columns left out that the page still names. */
const mostNames = 20;

/**
 * The gate's answer for a person: one HTML file that needs nothing around it, so that it can be sent by mail, printed and kept. Decision,
 * broken expectations with samples, distributions, and each column drawn beside its reference; beyond 50 columns those with findings
 * first, and it says how many are left out.
 *
 * It holds no script and loads nothing, and its content policy forbids both; every text of the data is escaped, cut and set apart,
 * because a report on bad data is the first thing that bad data reaches.
 */
export function reportPage(report: ReportFindings, pictures: readonly ColumnPicture[]): string {
  const title = shortened(report.title, 120);
  return htmlDocument({
    title: `${title}: ${report.decision}`,
    body: html`<header>
        <h1>${dataText(report.title, 120)}</h1>
        ${decisionBox(report)} ${factList(report)}
      </header>
      <main>
        <h2>Broken expectations</h2>
        ${violationTable(report.violations)}
        <h2>Distributions</h2>
        ${distributionTable(report.distributions)} ${columnSection(report, pictures)}
      </main>`,
  });
}

function decisionBox(report: ReportFindings): Markup {
  return html`<p class="decision ${report.decision}">
    <strong>${wordOf(report.decision)}</strong><br />${meaningOf(report)}
  </p>`;
}

function wordOf(decision: GateDecision): string {
  switch (decision) {
    case 'pass':
      return 'Pass';
    case 'warn':
      return 'Pass, with warnings';
    case 'quarantine':
      return 'Quarantine';
    case 'block':
      return 'Block';
    default:
      return decision satisfies never;
  }
}

function meaningOf({ decision, verdict, rows, badRows }: ReportFindings): string {
  switch (decision) {
    case 'pass':
      return 'Every expectation held. All rows go on.';
    case 'warn':
      return 'No expectation that blocks was broken. All rows go on.';
    case 'quarantine':
      return `${numberText(badRows)} of ${numberText(rows)} rows are bad and stay behind; the clean rest goes on.`;
    case 'block':
      return verdict === 'inconclusive' ? 'There was nothing to check. Nothing goes on.' : 'Nothing goes on.';
    default:
      return decision satisfies never;
  }
}

function factList(report: ReportFindings): Markup {
  const { rows, badRows, expectations, environment, checkedAt } = report;
  const facts: readonly (readonly [string, Content])[] = [
    ['Rows', numberText(rows)],
    ['Bad rows', rows === 0 ? numberText(badRows) : `${numberText(badRows)} (${percent(badRows / rows)})`],
    ['Expectations', numberText(expectations)],
    ['Environment', dataText(environment, 80)],
    ['Checked at', html`<time datetime="${checkedAt}">${checkedAt}</time>`],
  ];
  return html`<dl>
    ${facts.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}

function columnSection(report: ReportFindings, pictures: readonly ColumnPicture[]): Markup {
  if (pictures.length === 0) return html``;
  const found = new Set([
    ...report.violations.map(({ column }) => column),
    ...report.distributions.filter(({ drifted }) => drifted).map(({ column }) => column),
  ]);
  const sorted = pictures.toSorted((a, b) => Number(found.has(b.column)) - Number(found.has(a.column)));
  const [shown, left] = [sorted.slice(0, mostPictures), sorted.slice(mostPictures)];
  return html`<h2>Columns</h2>
    <p class="soft">
      <span class="key before"></span>reference <span class="key now"></span>this data. Areas and bars are shares of the
      rows; open ends are drawn short.${leftOut(left)}
    </p>
    <div class="columns">${shown.map((picture) => figure(picture, found.has(picture.column)))}</div>`;
}

function leftOut(left: readonly ColumnPicture[]): Content {
  if (left.length === 0) return null;
  const names = left.slice(0, mostNames).map(({ column }, place) => [place > 0 ? ', ' : '', dataText(column, 80)]);
  const more = left.length > mostNames ? ', …' : null;
  return html` ${left.length} more columns are left out: ${names}${more}.`;
}

function figure(picture: ColumnPicture, hasFinding: boolean): Markup {
  const { column, current, reference } = picture;
  const chart = columnChart(picture) ?? html`<p class="soft">Nothing to draw.</p>`;
  const attributes = hasFinding ? html` class="found"` : null;
  const label = `${shortened(column, 80)}: ${reference === null ? 'this data' : 'this data beside the reference'}`;
  return html`
<figure${attributes}>
<h3>${dataText(column, 80)} <span class="soft">${current.type}${hasFinding ? ', with findings' : null}</span></h3>
<div role="img" aria-label="${label}">${chart}</div>
<figcaption>${captionOf(current, reference)}</figcaption>
</figure>`;
}

/** The same in words, so that nobody needs to see the drawing: each fact with the reference's in brackets. */
function captionOf(current: ColumnStatistics, reference: ColumnStatistics | null): string {
  const facts = [missingText, distinctText, meanText, rangeText].flatMap((fact) => {
    const now = fact(current);
    const before = reference === null ? null : fact(reference);
    if (now === null) return [];
    return [before === null ? `${now[0]} ${now[1]}` : `${now[0]} ${now[1]} (${before[1]})`];
  });
  return `${facts.join(', ')}.${reference === null ? ' No reference.' : ''}`;
}

type Fact = readonly [name: string, value: string] | null;

function missingText({ missing, profile }: ColumnStatistics): Fact {
  const share = profile === null ? null : (sharesOf(profile).at(-1) ?? 0);
  return ['missing', share === null ? numberText(missing) : percent(share)];
}

function distinctText({ distinct }: ColumnStatistics): Fact {
  return distinct === null ? null : ['about', `${numberText(distinct)} different`];
}

function meanText({ type, range }: ColumnStatistics): Fact {
  return range === null ? null : ['mean', quantity(type, range.mean)];
}

function rangeText({ type, range }: ColumnStatistics): Fact {
  if (range === null) return null;
  return [
    range.bounds === undefined ? 'from' : 'within',
    `${quantity(type, range.min)} to ${quantity(type, range.max)}`,
  ];
}

/** Timestamps stand in epoch milliseconds; one outside what a date can be stays a number. */
function quantity(type: ColumnStatistics['type'], value: number): string {
  if (type !== 'timestamp' || Math.abs(value) > 8.64e15) return numberText(value);
  return new Date(value).toISOString().slice(0, 16).replace('T', ' ');
}

function percent(share: number): string {
  return share > 0 && share < 0.0005 ? '< 0.1 %' : `${(share * 100).toFixed(1)} %`;
}
