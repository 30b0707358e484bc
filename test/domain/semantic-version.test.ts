import { nextSemanticVersion, type VersionFacts } from '../../domain/semantic-version.ts';
import { testLineage } from '../support/lineage.ts';

const data = { snapshot: { dataset: 'flights', digest: 'd', rows: 10 }, rows: 8 };
const before = { data, lineage: testLineage, semanticVersion: '2.3.4' };
const deeper = { ...testLineage.trainer, hidden: [8] } as typeof testLineage.trainer;

test('the first version is 1.0.0', () => {
  expect(nextSemanticVersion(null, before)).toBe('1.0.0');
});

test.each<[string, VersionFacts, string]>([
  ['the same of everything', before, '2.3.5'],
  ['another seed', { data, lineage: { ...testLineage, seed: 8, modelSha256: 'other' } }, '2.3.5'],
  ['the same in another order of keys', { data: { rows: 8, snapshot: data.snapshot }, lineage: testLineage }, '2.3.5'],
  ['other data', { data: { ...data, snapshot: { ...data.snapshot, digest: 'e' } }, lineage: testLineage }, '2.4.0'],
  ['another part of the same data', { data: { ...data, rows: 9 }, lineage: testLineage }, '2.4.0'],
  ['other features', { data, lineage: { ...testLineage, featuresSha256: 'other' } }, '2.4.0'],
  ['other hyper-parameters', { data, lineage: { ...testLineage, trainer: deeper } }, '2.4.0'],
  ['another interface', { data, lineage: { ...testLineage, interfaceSha256: 'other' } }, '3.0.0'],
  [
    'another interface and other data',
    { data: { ...data, rows: 9 }, lineage: { ...testLineage, interfaceSha256: 'other' } },
    '3.0.0',
  ],
])('after 2.3.4, a version of %s', (_, next, expected) => {
  expect(nextSemanticVersion(before, next)).toBe(expected);
});
