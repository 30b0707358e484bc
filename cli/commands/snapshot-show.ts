import type { ColumnStatistics, SnapshotStatistics } from '../../domain/column-statistics.ts';
import type { SnapshotFile, SnapshotManifest } from '../../domain/snapshot.ts';
import { resolveSnapshot } from '../../stores/snapshots/history.ts';
import { readManifest, snapshotFiles } from '../../stores/snapshots/manifest.ts';
import { readStatistics } from '../../stores/snapshots/statistics.ts';
import type { Context } from '../context.ts';
import { heading, table } from '../output.ts';
import { bytesText, counted, countText, cut, printable, readingBucket, shortName, splitName } from '../snapshots.ts';

export type SnapshotShowOptions = { readonly files: number };

type Shown = {
  readonly snapshot: Awaited<ReturnType<typeof resolveSnapshot>>;
  readonly manifest: SnapshotManifest;
  readonly statistics: SnapshotStatistics | null;
  readonly files: readonly SnapshotFile[];
};

/** `perdura snapshot show`: what a snapshot holds; of its files the first ones, since there may be a million. */
export async function snapshotShow(context: Context, name: string, options: SnapshotShowOptions): Promise<number> {
  splitName(name);
  return readingBucket(context, async ({ store }) => {
    const snapshot = await resolveSnapshot(store, name);
    const manifest = await readManifest(store, snapshot);
    const statistics = await readStatistics(store, snapshot);
    const files: SnapshotFile[] = [];
    for await (const file of snapshotFiles(store, manifest)) {
      files.push(file);
      if (files.length >= options.files) break;
    }
    const shown = { snapshot, manifest, statistics, files };
    context.output.answer(shown, () => describe(shown));
    return 0;
  });
}

function describe({ snapshot, manifest, statistics, files }: Shown): string {
  const version = snapshot.dataVersion === null ? '' : `, data version ${snapshot.dataVersion}`;
  const left = manifest.fileCount - files.length;
  return [
    heading(`${shortName(snapshot)}${version}`),
    `${snapshot.digest}`,
    `${counted(manifest.rows, 'row')} in ${counted(manifest.fileCount, 'file')}, ${bytesText(manifest.sizeBytes)}`,
    ...(manifest.dialect === null ? [] : [`text files: ${printable(JSON.stringify(manifest.dialect))}`]),
    '',
    columnTable(manifest, statistics),
    ...(statistics === null ? ['Its values were never measured; what compares with it measures them.'] : []),
    ...manifest.deviations
      .slice(0, 10)
      .map(
        ({ key, missing, unlike }) => `${printable(key)} lacks ${names(missing)}, has another type of ${names(unlike)}`,
      ),
    '',
    table(
      ['FILE', 'ROWS', 'BYTES', 'S3 VERSION', 'SHA-256'],
      files.map((file) => [
        printable(file.key),
        countText(file.rows),
        countText(file.sizeBytes),
        file.s3VersionId,
        file.sha256.slice(0, 16),
      ]),
    ),
    ...(left > 0 ? [`and ${countText(left)} more; --files ${manifest.fileCount} shows them all`] : []),
  ].join('\n');
}

function names(columns: readonly string[]): string {
  return columns.length === 0 ? 'nothing' : columns.map(printable).join(', ');
}

/** Every row of a table has all its cells, else lines of the table are left empty. */
const noCells = ['', '', '', '', ''];

function columnTable(manifest: SnapshotManifest, statistics: SnapshotStatistics | null): string {
  return table(
    ['COLUMN', 'TYPE', 'MISSING', 'DIFFERENT', 'LEAST', 'MEAN', 'MOST'],
    manifest.columns.map(({ name, type, zoned }) => {
      const found =
        statistics !== null && Object.hasOwn(statistics.columns, name) ? statistics.columns[name] : undefined;
      const written = zoned === true ? `${type} with zone` : type;
      return [cut(printable(name), 40), written, ...(found === undefined ? noCells : statisticsCells(found))];
    }),
  );
}

function statisticsCells(column: ColumnStatistics): readonly string[] {
  const { missing, distinct, range, profile } = column;
  const counts = [countText(missing), distinct === null ? '' : `about ${countText(distinct)}`];
  if (range !== null) return [...counts, ...(['min', 'mean', 'max'] as const).map((field) => rangeText(column, field))];
  // Of text the most frequent value says what a mean says of numbers.
  const top = profile?.kind === 'category' ? profile.values[0] : undefined;
  return [...counts, '', top === undefined ? '' : `often ${cut(printable(top), 30)}`, ''];
}

/** A field of a column's range for a person; `≥` and `≤` where the rows that had the least and the most may be gone. */
export function rangeText(column: ColumnStatistics, field: 'mean' | 'min' | 'max'): string {
  if (column.range === null) return '';
  const sign = column.range.bounds === undefined ? '' : { min: '≥ ', mean: '', max: '≤ ' }[field];
  return `${sign}${valueText(column, column.range[field])}`;
}

/** A statistic for a person: times as they are read, numbers to six digits. */
function valueText({ type }: Pick<ColumnStatistics, 'type'>, value: number): string {
  if (type === 'timestamp' && Math.abs(value) <= 8.64e15) return new Date(value).toISOString().slice(0, 19);
  return String(Number(value.toPrecision(6)));
}
