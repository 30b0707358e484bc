import type { SnapshotDiff } from '../../domain/snapshot-diff.ts';
import { diffSnapshots } from '../../stores/snapshots/diff.ts';
import { resolveSnapshot } from '../../stores/snapshots/history.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { heading, table } from '../output.ts';
import { counted, countText, cut, printable, readingBucket, shortName, splitName } from '../snapshots.ts';
import { rangeText } from './snapshot-show.ts';

/** So many lines of files and of columns are for a person; --json has them all. */
const most = 20;

/** `perdura snapshot diff`: how two snapshots of a dataset differ. */
export async function snapshotDiff(context: Context, from: string, to: string): Promise<number> {
  const { dataset } = splitName(from);
  if (splitName(to).dataset !== dataset)
    throw usageError(
      'INPUT_INVALID',
      `${from} and ${to} are snapshots of different datasets. Compare two of one dataset.`,
    );
  return readingBucket(context, async ({ store }) => {
    const [older, newer] = [await resolveSnapshot(store, from), await resolveSnapshot(store, to)];
    const diff = await diffSnapshots(store, dataset, older.digest, newer.digest);
    context.output.answer(diff, () => describe(diff));
    return 0;
  });
}

function describe(diff: SnapshotDiff): string {
  const { dataset, from, to, change, reasons } = diff;
  return [
    heading(`${shortName({ dataset, digest: from })} to ${shortName({ dataset, digest: to })}: ${change}`),
    ...reasons.map((reason) => `  ${printable(reason)}`),
    ...(change === 'none' ? ['  The same snapshot.'] : [rowsLine(diff), ...fileLines(diff), ...columnLines(diff)]),
    ...(diff.distributions.length === 0 ? [] : ['', heading('Distributions'), distributionTable(diff)]),
  ].join('\n');
}

function rowsLine({ rows }: SnapshotDiff): string {
  const more = rows.to - rows.from;
  return `rows     ${countText(rows.from)} → ${countText(rows.to)} (${more < 0 ? '' : '+'}${countText(more)})`;
}

function fileLines({ files }: SnapshotDiff): readonly string[] {
  const lines = [
    ...files.added.map((file) => `  + ${printable(file.key)} (${counted(file.rows, 'row')})`),
    ...files.removed.map((file) => `  - ${printable(file.key)} (${counted(file.rows, 'row')})`),
    ...files.changed.map(
      ({ from, to }) => `  ~ ${printable(to.key)} (${countText(from.rows)} → ${counted(to.rows, 'row')})`,
    ),
  ];
  const counts = `files    ${files.added.length} added, ${files.removed.length} removed, ${files.changed.length} changed, ${files.unchanged} as before`;
  return [counts, ...shortened(lines)];
}

function columnLines({ columns }: SnapshotDiff): readonly string[] {
  const lines = [
    ...columns.added.map((column) => `  + ${printable(column.name)} (${column.type})`),
    ...columns.removed.map((column) => `  - ${printable(column.name)} (${column.type})`),
    ...columns.retyped.map(({ from, to }) => `  ~ ${printable(to.name)} (${typeText(from)} → ${typeText(to)})`),
  ];
  return [lines.length === 0 ? 'columns  as before' : 'columns', ...shortened(lines)];
}

function typeText(column: { readonly type: string; readonly zoned?: boolean }): string {
  return column.zoned === true ? `${column.type} with zone` : column.type;
}

function distributionTable({ distributions }: SnapshotDiff): string {
  const drawn = table(
    ['COLUMN', 'PSI', 'MISSING', 'MEAN', 'LEAST', 'MOST'],
    distributions.slice(0, most).map(({ column, from, to, psi }) => {
      const both = (field: 'mean' | 'min' | 'max') =>
        from.range === null || to.range === null ? '' : `${rangeText(from, field)} → ${rangeText(to, field)}`;
      return [
        cut(printable(column), 40),
        psi === null ? 'not comparable' : psi.toFixed(4),
        `${countText(from.missing)} → ${countText(to.missing)}`,
        both('mean'),
        both('min'),
        both('max'),
      ];
    }),
  );
  const left = distributions.length - most;
  return left > 0 ? `${drawn}\nand ${left} more columns; --json has them all` : drawn;
}

function shortened(lines: readonly string[]): readonly string[] {
  const left = lines.length - most;
  return left > 0 ? [...lines.slice(0, most), `  and ${left} more; --json has them all`] : lines;
}
