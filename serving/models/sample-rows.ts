import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingProfile } from '../../domain/drift-report.ts';
import type { EncodedRows } from '../../domain/features.ts';
import type { Signature } from '../../domain/model-package.ts';

/** Makes rows to time a model with: of the values that its package's profile.json says training saw, always the same ones. */
export async function readSampleRows(folder: string, signature: Signature): Promise<(rows: number) => EncodedRows> {
  const { features } = JSON.parse(await readFile(join(folder, 'profile.json'), 'utf8')) as TrainingProfile;
  const numberOf = (name: string, row: number, place: number): number => {
    const profile = features[name];
    const seen = profile?.kind === 'number' ? profile.edges[(7 * row + place) % profile.edges.length] : undefined;
    // A model whose profile does not tell still gets rows that differ, or a tree would go one way only.
    return seen ?? 3 * Math.sin(1 + 13 * row + 7 * place);
  };
  const categoryOf = (name: string, row: number): string => {
    const profile = features[name];
    return (profile?.kind === 'category' ? profile.values[row % profile.values.length] : undefined) ?? '';
  };
  return (rows) => {
    const { numbers, categories } = signature;
    const all = Array.from({ length: rows }, (_, row) => row);
    return {
      rows,
      numbers: Float32Array.from(all.flatMap((row) => numbers.map((name, place) => numberOf(name, row, place)))),
      categories: all.flatMap((row) => categories.map((name) => categoryOf(name, row))),
    };
  };
}
