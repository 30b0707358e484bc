import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { ColumnStatistics } from '../../../domain/column-statistics.ts';
import type { CategoryProfile, NumberProfile } from '../../../domain/drift-report.ts';
import type { ColumnPicture } from '../../../domain/validation-report.ts';
import { type Markup, shortened, trusted } from './markup.ts';

/** Both read on white, on black and on grey paper: the reference is a light area, the current data a dark line. */
const referenceColor = '#a3a8b0';
const currentColor = '#2f74d0';

/** About what a figure is wide, so that letters keep their size. */
const width = 340;

/** Categories that a chart shows: the most frequent on either side. */
const mostCategories = 15;

/** The outer bins are open: they are drawn at most this part of the rest wide, with their share as area. */
const outerWidth = 0.15;

/** One column drawn as SVG, the reference beside the current data; null where there is nothing to draw. */
export function columnChart({ current, reference }: ColumnPicture): Markup | null {
  const { profile } = current;
  if (profile === null) return null;
  return profile.kind === 'number' ? histogram(profile, current, reference) : bars(profile, reference?.profile ?? null);
}

/** Shares of all rows by name; `missing` and, of categories, `unseen` among them. */
export function sharesOf(profile: NumberProfile | CategoryProfile): readonly number[] {
  const counts =
    profile.kind === 'number'
      ? [...profile.counts, profile.missing]
      : [...profile.counts, profile.unseen, profile.missing];
  const rows = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (rows === 0 ? 0 : count / rows));
}

type Step = { readonly x1: number; readonly x2: number; readonly density: number };

/** Share per unit: bins are of unequal width, so it is the area that tells how many values lie in one. */
function histogram(
  profile: NumberProfile,
  current: ColumnStatistics,
  reference: ColumnStatistics | null,
): Markup | null {
  const bounds = boundsOf(profile, [current, reference]);
  if (bounds === null) return null;
  const now = stepsOf(profile, bounds);
  const before = reference?.profile?.kind === 'number' ? stepsOf(reference.profile, bounds) : [];
  const isTime = current.type === 'timestamp';
  const at = (x: number): number | Date => (isTime ? new Date(x) : x);
  const outline = now.flatMap(({ x1, x2, density }) => [
    { x: at(x1), density },
    { x: at(x2), density },
  ]);
  const area = before.map(({ x1, x2, density }) => ({ x1: at(x1), x2: at(x2), density }));
  return drawn({
    height: 130,
    marginLeft: 12,
    marginRight: 12,
    x: { label: null, ...(isTime ? { type: 'utc' } : {}) },
    y: { axis: null },
    marks: [
      Plot.rectY(area, { x1: 'x1', x2: 'x2', y: 'density', fill: referenceColor, insetLeft: 0, insetRight: 0 }),
      Plot.lineY(outline, { x: 'x', y: 'density', stroke: currentColor, strokeWidth: 1.75 }),
      Plot.ruleY([0], { strokeOpacity: 0.5 }),
    ],
  });
}

/** The boundaries of all bins: the edges, and an end for each of the open outer bins. */
function boundsOf(profile: NumberProfile, sides: readonly (ColumnStatistics | null)[]): readonly number[] | null {
  const isBounded = profile.counts.length < profile.edges.length;
  const inner = isBounded ? profile.edges.slice(1, -1) : profile.edges;
  const ranges = sides.flatMap((side) => (side?.range ? [side.range] : []));
  const [first, last] = [inner[0], inner.at(-1)];
  if (first === undefined || last === undefined || ranges.length === 0) return null;
  const most = last > first ? (last - first) * outerWidth : Math.max(Math.abs(first) * outerWidth, 1);
  const below = Math.max(Math.min(...ranges.map(({ min }) => min)), first - most);
  const above = Math.min(Math.max(...ranges.map(({ max }) => max)), last + most);
  // Where nothing lies beyond an edge its outer bin is empty, yet it needs a width.
  return [below < first ? below : first - most / 10, ...inner, above > last ? above : last + most / 10];
}

function stepsOf(profile: NumberProfile, bounds: readonly number[]): readonly Step[] {
  const shares = sharesOf(profile);
  return profile.counts.map((_, bin) => {
    const [x1, x2] = [bounds[bin] ?? 0, bounds[bin + 1] ?? 0];
    return { x1, x2, density: x2 > x1 ? (shares[bin] ?? 0) / (x2 - x1) : 0 };
  });
}

type Bar = { readonly label: string; readonly now: number; readonly before: number };

function bars(profile: CategoryProfile, reference: NumberProfile | CategoryProfile | null): Markup {
  const before = reference?.kind === 'category' ? sharesOf(reference) : [];
  const all = sharesOf(profile).map((now, bin): Bar => {
    const label = [...profile.values, '(other values)', '(missing)'][bin] ?? '';
    return { label: shortened(label, 18), now, before: before[bin] ?? 0 };
  });
  const shown = all
    .toSorted((a, b) => Math.max(b.now, b.before) - Math.max(a.now, a.before))
    .slice(0, mostCategories)
    .filter(({ now, before: was }) => now + was > 0);
  // Shortened names may be equal, so a bar's place is its row and the name only its label.
  const rows = shown.map((bar, row) => ({ ...bar, row }));
  const height = 30 + 17 * rows.length;
  return drawn({
    height,
    marginLeft: 126,
    marginRight: 16,
    marginBottom: 24,
    x: { label: null, percent: true, grid: true, tickFormat: (share: number) => `${share} %` },
    y: { label: null, domain: rows.map(({ row }) => row), tickFormat: (row: number) => rows[row]?.label ?? '' },
    marks: [
      Plot.barX(rows, { y: 'row', x: 'before', fill: referenceColor, insetTop: 1, insetBottom: 8 }),
      Plot.barX(rows, { y: 'row', x: 'now', fill: currentColor, insetTop: 8, insetBottom: 1 }),
    ],
  });
}

/**
 * Text within is escaped by linkedom; no text of the data stands in an attribute. The style that Plot puts into each drawing stands once
 * in the page.
 */
function drawn(options: Plot.PlotOptions): Markup {
  const { document } = parseHTML('<!doctype html><html></html>');
  const svg = Plot.plot({ ...options, width, document });
  svg.removeAttribute('class');
  svg.querySelector('style')?.remove();
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  return trusted(svg.outerHTML);
}
