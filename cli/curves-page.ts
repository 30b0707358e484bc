import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { dataText, html, type Markup, shortened, trusted } from '../activities/gate/report/markup.ts';
import { htmlDocument } from '../activities/gate/report/document.ts';
import type { FactComparison } from '../domain/compare-facts.ts';
import type { MetricPoint } from '../domain/trainer.ts';
import { numberText } from './training-facts.ts';

/** Runs with their metric points, and what differs between them. */
export type CurvesPage = {
  readonly runs: readonly { readonly name: string; readonly points: readonly MetricPoint[] }[];
  readonly comparison: FactComparison;
};

/** Told apart on white and on black, also by most who see colours otherwise (Okabe and Ito 2008, without black and yellow). */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00'];
/** A second round of the colours is dashed, a third dotted. */
const dashes = ['none', '6 4', '2 3'];

const width = 340;
const height = 190;
/** A line has no more corners than it has pixels. */
const mostCorners = 400;
const mostMetrics = 60;
const longestText = 120;

/**
 * The curves of runs as one HTML file that needs nothing around it: a figure for each metric, a line for each run, and the table of what
 * differs. It holds no script and loads nothing, and its content policy forbids both; every text of a run is escaped, cut and set apart.
 */
export function curvesPage({ runs, comparison }: CurvesPage): string {
  const metrics = [...new Set(runs.flatMap(({ points }) => points.map(({ name }) => name)))].toSorted();
  const more =
    metrics.length > mostMetrics ? html`<p class="soft">${metrics.length - mostMetrics} more are left out.</p>` : null;
  return htmlDocument({
    title: `${runs.length} runs compared`,
    style: legendStyle,
    body: html`<h1>${runs.length} runs compared</h1>
      <ul class="legend">
        ${runs.map(({ name }, place) => html`<li>${key(place)} ${dataText(name, longestText)}</li>`)}
      </ul>
      <h2>Curves</h2>
      ${metrics.length === 0 ? html`<p class="soft">No metric was reported.</p>` : null}
      <div class="columns">${metrics.slice(0, mostMetrics).map((metric) => figure(metric, runs))}</div>
      ${more}
      <h2>What differs</h2>
      ${differences(runs, comparison)}`,
  });
}

const legendStyle = trusted(`.legend { list-style: none; padding: 0; margin: .5rem 0; }
.legend svg, td svg { width: 1.8rem; height: .7rem; display: inline-block; vertical-align: middle; margin: 0; }`);

function figure(metric: string, runs: CurvesPage['runs']): Markup {
  const lines = runs.map(({ points }, place) => ({ place, points: points.filter(({ name }) => name === metric) }));
  const shown = lines.filter(({ points }) => points.length > 0);
  return html` <figure>
    <h3>${dataText(metric, longestText)}</h3>
    <div role="img" aria-label="${shortened(metric, longestText)} by step">${drawn(shown)}</div>
    <figcaption>
      ${shown.map(({ place, points }) => html`${dataText(runs[place]?.name ?? '', longestText)}: ${lastText(points)}<br />`)}
    </figcaption>
  </figure>`;
}

function lastText(points: readonly MetricPoint[]): string {
  const last = points.at(-1);
  return last === undefined ? 'nothing' : `${numberText(last.value)} after step ${last.step}`;
}

/** No text of a run stands in a drawing: runs are told by colour and dashes. */
function drawn(lines: readonly { readonly place: number; readonly points: readonly MetricPoint[] }[]): Markup {
  const { document } = parseHTML('<!doctype html><html></html>');
  const marks = lines.flatMap(({ place, points }) => {
    const corners = thinned(points);
    const stroke = colours[place % colours.length] ?? '#0072b2';
    const strokeDasharray = dashOf(place);
    // A line of one point would not be seen.
    return corners.length === 1
      ? [Plot.dot(corners, { x: 'step', y: 'value', fill: stroke, r: 3.5 })]
      : [Plot.lineY(corners, { x: 'step', y: 'value', stroke, strokeWidth: 1.75, strokeDasharray })];
  });
  const svg = Plot.plot({
    width,
    height,
    marginLeft: 52,
    marginRight: 12,
    x: { label: 'step', ticks: 5, tickFormat: (step: number) => (Number.isInteger(step) ? String(step) : '') },
    y: { label: null, grid: true, ticks: 5 },
    marks,
    document,
  });
  svg.removeAttribute('class');
  svg.querySelector('style')?.remove();
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  return trusted(svg.outerHTML);
}

/** Evenly, with the first and the last. */
function thinned(points: readonly MetricPoint[]): readonly MetricPoint[] {
  if (points.length <= mostCorners) return points;
  const places = Array.from({ length: mostCorners }, (_, at) =>
    Math.round((at * (points.length - 1)) / (mostCorners - 1)),
  );
  return places.flatMap((place) => points[place] ?? []);
}

function dashOf(place: number): string {
  return dashes[Math.floor(place / colours.length) % dashes.length] ?? 'none';
}

function key(place: number): Markup {
  const stroke = colours[place % colours.length] ?? '';
  return html`<svg viewBox="0 0 28 8" aria-hidden="true">
    <line x1="0" y1="4" x2="28" y2="4" stroke="${stroke}" stroke-width="3" stroke-dasharray="${dashOf(place)}" />
  </svg>`;
}

function differences(runs: CurvesPage['runs'], { differing, equal }: FactComparison): Markup {
  const same = equal.map(({ section, equal: count, of }) => `${section} ${count} of ${of}`).join(', ');
  if (differing.length === 0) return html`<p>Nothing. Equal: ${same}.</p>`;
  return html`<div class="wide">
      <table>
        <thead>
          <tr>
            <th>Section</th>
            <th>Fact</th>
            ${runs.map(({ name }, place) => html`<th>${key(place)} ${dataText(name, longestText)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${differing.map(
            ({ section, name, values }) =>
              html`<tr>
                <td>${section}</td>
                <td>${dataText(name, longestText)}</td>
                ${values.map((value) => html`<td>${value === null ? '-' : dataText(value, longestText)}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="soft">Equal: ${same}.</p>`;
}
