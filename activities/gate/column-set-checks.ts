import type { Expectation } from '../../domain/expectation.ts';
import type { FileLayout, Layout } from '../../stores/snapshots/describe-files.ts';
import type { StructureCheck } from './check.ts';
import { cut } from './shown.ts';

type OnlyColumns = Extract<Expectation, { readonly kind: 'onlyColumns' }>;

/** Columns that no one expects, one check each, and files whose columns stand in another order, one check for all. */
export function columnSetChecks(expectations: readonly Expectation[], layout: Layout): readonly StructureCheck[] {
  return expectations.flatMap((expectation) =>
    expectation.kind === 'onlyColumns'
      ? [...newColumns(expectation, layout), ...(expectation.ordered === true ? wrongOrder(expectation, layout) : [])]
      : [],
  );
}

function newColumns(expectation: OnlyColumns, layout: Layout): readonly StructureCheck[] {
  const strangers = layout.columns.filter(({ name }) => !expectation.columns.includes(name));
  return strangers.map(({ name, type }) => {
    const having = layout.files.filter((file) => file.columns.has(name));
    return {
      kind: 'structure',
      code: 'SCHEMA_NEW_COLUMN',
      column: name,
      label: name,
      severity: expectation.severity ?? 'block',
      expected: `no column but ${listed(expectation.columns)}`,
      observed: `${name} (${type}) in ${firstKey(having)}`,
      count: having.length,
      bad: null,
    };
  });
}

/** A column that a file lacks does not put the others out of order. */
function wrongOrder(expectation: OnlyColumns, layout: Layout): readonly StructureCheck[] {
  const unordered = layout.files.filter((file) => {
    const found = [...file.columns.keys()].filter((name) => expectation.columns.includes(name));
    const wanted = expectation.columns.filter((name) => file.columns.has(name));
    return found.some((name, place) => name !== wanted[place]);
  });
  const [first] = unordered;
  if (first === undefined) return [];
  return [
    {
      kind: 'structure',
      code: 'COLUMN_NOT_ORDERED',
      column: null,
      label: 'columns',
      severity: expectation.severity ?? 'block',
      expected: `columns in the order ${listed(expectation.columns)}`,
      observed: `${listed([...first.columns.keys()])} in ${firstKey(unordered)}`,
      count: unordered.length,
      bad: null,
    },
  ];
}

/** Cut, because a table may have ten thousand columns and as many violations. */
function listed(names: readonly string[]): string {
  return cut(names.join(', '));
}

function firstKey(files: readonly FileLayout[]): string {
  const [first] = files;
  return `${first?.key ?? 'no file'}${files.length > 1 ? ` and ${files.length - 1} more` : ''}`;
}
