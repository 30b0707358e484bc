import { type DistributionComparison, compareDistributions, referenceName } from '../../domain/distribution.ts';
import type { ColumnStatistics, SnapshotStatistics } from '../../domain/column-statistics.ts';
import type { CategoryProfile, NumberProfile } from '../../domain/drift-report.ts';
import type { DataSchema, DistributionExpectation, DistributionReference, Severity } from '../../domain/expectation.ts';
import type { Column } from '../../domain/snapshot.ts';
import type { ColumnPicture, DistributionFinding, Violation } from '../../domain/validation-report.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import { specialFunctions } from '../special-functions.ts';
import { type CountedColumn, profilesOf } from './distribution-scan.ts';
import { needsOrder, orderText } from './ordered-statistics.ts';
import type { ScanResult } from './scan.ts';
import { shownNumber } from './shown.ts';

/** What data is compared with: its name towards people, and what its values look like. */
export type Reference = { readonly name: string; readonly statistics: Pick<SnapshotStatistics, 'rows' | 'columns'> };

/** Finds what a distribution is held against; null where there is none yet. */
export type FindReference = (against: DistributionReference) => Promise<Reference | null>;

type Drift = DistributionExpectation & { readonly severity?: Severity };

/** One drift expectation with its reference; `place` is that of its column among the counted ones, null where it cannot be counted. */
type Compared = {
  readonly expectation: Drift;
  readonly reference: Reference | null;
  readonly of: ColumnStatistics | null;
  readonly place: number | null;
};

/** All drift expectations, made ready: `counted` goes into the scan, each column and reference once. */
export type Comparisons = { readonly all: readonly Compared[]; readonly counted: readonly CountedColumn[] };

/** What became of the distributions. */
export type Distributions = {
  readonly findings: readonly DistributionFinding[];
  readonly violations: readonly Violation[];
  readonly pictures: readonly ColumnPicture[];
};

const defaultFalseDiscoveryRate = 0.01;

const codes: Readonly<Record<DistributionExpectation['statistic'], Violation['code']>> = {
  psi: 'COMPARATOR_PSI_HIGH',
  ks: 'COMPARATOR_KS_HIGH',
  chiSquare: 'COMPARATOR_CHI_SQUARE_HIGH',
  jensenShannon: 'COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH',
  wasserstein: 'COMPARATOR_WASSERSTEIN_HIGH',
  lInfinity: 'COMPARATOR_L_INFTY_HIGH',
};

/** Finds each reference once, and which columns are to be counted over which of its edges. */
export async function prepareComparisons(
  expectations: DataSchema['expectations'],
  layout: Layout,
  find: FindReference,
): Promise<Comparisons> {
  const references = new Map<string, Reference | null>();
  const counted: CountedColumn[] = [];
  const places = new Map<string, number>();
  const all: Compared[] = [];
  for (const expectation of expectations) {
    if (expectation.kind !== 'drift') continue;
    const name = JSON.stringify(expectation.against);
    if (!references.has(name)) references.set(name, await find(expectation.against));
    const reference = references.get(name) ?? null;
    const of = columnOf(reference, expectation.column);
    const column = layout.columns.find((each) => each.name === expectation.column);
    const key = JSON.stringify([expectation.column, name]);
    if (column !== undefined && countable(column, of) && !places.has(key)) {
      places.set(key, counted.length);
      counted.push({ column, profile: of.profile });
    }
    all.push({ expectation, reference, of, place: places.get(key) ?? null });
  }
  return { all, counted };
}

/** Judges the counts of the scan against their references. */
export function judgeDistributions(
  { all, counted }: Comparisons,
  { row, rows }: ScanResult,
  falseDiscoveryRate: number | undefined,
): Distributions {
  if (all.length === 0) return { findings: [], violations: [], pictures: [] };
  const profiles = profilesOf(row, counted);
  const current = ({ place }: Compared) => (place === null ? null : (profiles[place] ?? null));
  const findings = compareDistributions(
    specialFunctions,
    all.map((compared) => comparisonOf(compared, current(compared))),
    {
      falseDiscoveryRate: falseDiscoveryRate ?? defaultFalseDiscoveryRate,
      referenceRows: Math.max(0, ...all.map(({ reference }) => reference?.statistics.rows ?? 0)),
      currentRows: rows,
    },
  ).map((finding, place) => ({ ...finding, against: all[place]?.reference?.name ?? finding.against }));
  return {
    findings,
    violations: rows === 0 ? [] : all.flatMap((compared, place) => violationOf(compared, findings[place])),
    pictures: picturesOf(all, current),
  };
}

/** The expectation's own place in the reference's statistics; a column name such as `__proto__` is no property of every object. */
function columnOf(reference: Reference | null, name: string): ColumnStatistics | null {
  if (reference === null || !Object.hasOwn(reference.statistics.columns, name)) return null;
  return reference.statistics.columns[name] ?? null;
}

/** Numbers are counted over edges, text over values; a column that has become the other cannot be. */
function countable(
  column: Column,
  of: ColumnStatistics | null,
): of is ColumnStatistics & { readonly profile: NumberProfile | CategoryProfile } {
  if (of === null || of.profile === null) return false;
  const ordered = column.type === 'integer' || column.type === 'number' || column.type === 'timestamp';
  return of.profile.kind === 'number' ? ordered : column.type === 'string' || column.type === 'boolean';
}

function comparisonOf(
  { expectation, of }: Compared,
  current: NumberProfile | CategoryProfile | null,
): DistributionComparison {
  const range = of?.range ?? null;
  return {
    expectation,
    reference: of?.profile ?? null,
    current,
    referenceSpread:
      range === null ? null : { standardDeviation: range.standardDeviation, edgesMin: range.min, edgesMax: range.max },
  };
}

/** A reference that is missing is named with the severity of the expectation: silence would pass as agreement. */
function violationOf(compared: Compared, finding: DistributionFinding | undefined): readonly Violation[] {
  const { column, statistic, atMost, severity = 'block' } = compared.expectation;
  if (finding === undefined || (finding.value !== null && !finding.drifted)) return [];
  const expected = `${statistic} of ${column} against ${finding.against} at most ${atMost} above its mean without drift`;
  const named = { severity, column, count: 1, expected, samples: [] };
  if (finding.value === null) {
    return [{ ...named, code: 'COMPARATOR_CONTROL_DATA_MISSING', observed: lackText(compared) }];
  }
  const observed = `${shownNumber(finding.value)}, mean without drift ${shownNumber(finding.expected)}, p ${finding.adjustedPValue.toPrecision(2)}`;
  return [{ ...named, code: codes[statistic], observed }];
}

function lackText({ expectation, reference, of, place }: Compared): string {
  if (reference === null) return `there is no reference (${referenceName(expectation.against)})`;
  if (of === null) return `${reference.name} has no column ${expectation.column}`;
  if (of.profile === null) return `${reference.name} has no counts of ${expectation.column} (${of.type})`;
  if (place === null) return `${expectation.column} is not ${of.type} as in ${reference.name}`;
  if (of.profile.kind === 'category' && needsOrder(expectation.statistic))
    return orderText(expectation.statistic, of.type);
  return `there is nothing to compare with ${reference.name}`;
}

/** One picture a column, beside the first reference that it was counted over. */
function picturesOf(
  all: readonly Compared[],
  current: (compared: Compared) => NumberProfile | CategoryProfile | null,
): readonly ColumnPicture[] {
  const pictures = new Map<string, ColumnPicture>();
  for (const compared of all) {
    const profile = current(compared);
    if (profile === null || compared.of === null || pictures.has(compared.expectation.column)) continue;
    const now = { type: compared.of.type, missing: profile.missing, distinct: null, range: null, profile };
    pictures.set(compared.expectation.column, {
      column: compared.expectation.column,
      current: now,
      reference: compared.of,
    });
  }
  return [...pictures.values()];
}
