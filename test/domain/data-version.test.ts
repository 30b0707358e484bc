import {
  dataChange,
  type DataChangeFacts,
  freeDataVersion,
  newlyDeviating,
  nextDataVersion,
} from '../../domain/data-version.ts';
import type { Column, ColumnType } from '../../domain/snapshot.ts';

const nothing: DataChangeFacts = {
  files: { added: 0, removed: 0, changed: 0, repinned: 0 },
  columns: { added: [], removed: [], retyped: [] },
  deviating: [],
  dialect: false,
};
const column = (name: string, type: ColumnType = 'integer'): Column => ({ name, type });
const changeOf = (facts: Partial<DataChangeFacts>) => dataChange({ ...nothing, ...facts });
const retyped = (from: Column, to: Column) =>
  changeOf({ columns: { ...nothing.columns, retyped: [{ from, to }] } }).change;

test('the same snapshot is no change', () => {
  expect(dataChange(nothing)).toEqual({ change: 'none', reasons: [] });
});

test('a column that is gone is major, whatever else is new', () => {
  const columns = { added: [column('gate')], removed: [column('delay')], retyped: [] };
  expect(changeOf({ columns, files: { ...nothing.files, added: 2, changed: 1 } })).toEqual({
    change: 'major',
    reasons: ["Column 'delay' is gone.", "Column 'gate' is new.", '2 files are new.', 'One file has other bytes.'],
  });
});

test('only a number takes integers; every other new type is major', () => {
  expect(retyped(column('a', 'integer'), column('a', 'number'))).toBe('minor');
  expect(retyped(column('a', 'number'), column('a', 'integer'))).toBe('major');
  expect(retyped(column('a', 'integer'), column('a', 'string'))).toBe('major');
  expect(retyped({ ...column('a', 'timestamp'), zoned: true }, column('a', 'timestamp'))).toBe('major');
});

test('columns and files more, and files fewer, are minor', () => {
  expect(changeOf({ columns: { ...nothing.columns, added: [column('gate')] } }).change).toBe('minor');
  expect(changeOf({ files: { ...nothing.files, added: 1 } }).change).toBe('minor');
  expect(changeOf({ files: { ...nothing.files, removed: 1 } }).change).toBe('minor');
});

test('the same keys with other bytes, or other pins, are a patch', () => {
  expect(changeOf({ files: { ...nothing.files, changed: 3 } })).toEqual({
    change: 'patch',
    reasons: ['3 files have other bytes.'],
  });
  expect(changeOf({ files: { ...nothing.files, repinned: 1 } }).change).toBe('patch');
});

test('a column that a file newly lacks is major; one that is new and old files lack is not', () => {
  const from = { columns: [column('delay')], deviations: [] };
  const lacking = (name: string) => [{ key: 'a', missing: [name], unlike: [] }];
  expect(newlyDeviating(from, { columns: [column('delay')], deviations: lacking('delay') })).toEqual(['delay']);
  expect(newlyDeviating(from, { columns: [column('delay'), column('gate')], deviations: lacking('gate') })).toEqual([]);
  const known = { ...from, deviations: lacking('delay') };
  expect(newlyDeviating(known, { columns: [column('delay')], deviations: lacking('delay') })).toEqual([]);
  expect(changeOf({ deviating: ['delay'] }).change).toBe('major');
});

test('files unlike a column that was widened do not count beside the widening', () => {
  const unlike = [{ key: 'a', missing: [], unlike: ['delay'] }];
  const from = { columns: [column('delay')], deviations: [] };
  expect(newlyDeviating(from, { columns: [column('delay', 'number')], deviations: unlike })).toEqual([]);
  expect(newlyDeviating(from, { columns: [column('delay')], deviations: unlike })).toEqual(['delay']);
});

// Semantic Versioning 2.0.0, items 6 to 8: what is larger is counted on, what is smaller begins anew.
test('data versions are counted as semantic versions are', () => {
  expect(nextDataVersion(null, 'major')).toBe('1.0.0');
  expect(nextDataVersion('1.9.9', 'patch')).toBe('1.9.10');
  expect(nextDataVersion('1.9.9', 'minor')).toBe('1.10.0');
  expect(nextDataVersion('1.9.9', 'major')).toBe('2.0.0');
  expect(nextDataVersion('1.9.9', 'none')).toBe('1.9.9');
});

test('a version that is taken is counted on within its kind', () => {
  const taken =
    (...versions: string[]) =>
    (version: string) =>
      versions.includes(version);
  expect(freeDataVersion('1.0.1', taken('1.0.1', '1.0.2'))).toBe('1.0.3');
  expect(freeDataVersion('1.1.0', taken('1.1.0'))).toBe('1.2.0');
  expect(freeDataVersion('2.0.0', taken('2.0.0'))).toBe('3.0.0');
  expect(freeDataVersion('2.0.0', taken())).toBe('2.0.0');
});
