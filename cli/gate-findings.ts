import type { DistributionFinding, GateFindings, Violation } from '../domain/validation-report.ts';
import { table } from './output.ts';

/** What the gate found, for a person: violations with the first sample of each, then how columns are distributed. Old reports have no distributions. */
export function describeFindings(
  findings: Pick<GateFindings, 'rows' | 'expectations' | 'violations'> & Partial<GateFindings>,
): string {
  const { rows, expectations, violations, distributions = [] } = findings;
  const parts = [
    violations.length === 0 ? `${rows} rows hold ${expectations} expectations` : violationTable(violations),
    distributions.length === 0 ? '' : distributionTable(distributions),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function violationTable(violations: readonly Violation[]): string {
  return table(
    ['VIOLATION', 'SEVERITY', 'COLUMN', 'COUNT', 'EXPECTED', 'OBSERVED', 'FOR EXAMPLE'],
    violations.map((violation) => [
      violation.code,
      violation.severity,
      violation.column ?? '',
      String(violation.count),
      violation.expected,
      violation.observed,
      sample(violation),
    ]),
  );
}

function distributionTable(distributions: readonly DistributionFinding[]): string {
  const number = (value: number) => String(Number(value.toPrecision(3)));
  return table(
    ['COLUMN', 'STATISTIC', 'VALUE', 'MEAN WITHOUT DRIFT', 'AT MOST', 'ADJUSTED P', 'DRIFTED', 'AGAINST'],
    distributions.map((finding) => [
      finding.column,
      finding.statistic,
      finding.value === null ? 'nothing' : number(finding.value),
      number(finding.expected),
      number(finding.atMost),
      number(finding.adjustedPValue),
      finding.drifted ? 'yes' : 'no',
      finding.against,
    ]),
  );
}

function sample(violation: Violation): string {
  const first = violation.samples[0];
  if (first === undefined) return '';
  const value = violation.column === null ? first.values : first.values[violation.column];
  return `row ${first.row}: ${JSON.stringify(value) ?? 'nothing'}`;
}
