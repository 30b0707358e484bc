import { canonicalJson } from './canonical-json.ts';
import type { ModelVersion } from './registry.ts';

/** What a semantic version follows from. */
export type VersionFacts = Pick<ModelVersion, 'data' | 'lineage'>;

/**
 * `major.minor.patch` of a model version, from the one that was registered before it: major, where what goes in or comes out changed, so that a
 * client may break; minor, where it learned from other data or features, or otherwise; patch, where all of that is the same (another seed,
 * another machine). The first is 1.0.0. https://semver.org says what the three mean to whoever depends on them.
 */
export function nextSemanticVersion(
  before: (VersionFacts & Pick<ModelVersion, 'semanticVersion'>) | null,
  next: VersionFacts,
): string {
  if (before === null) return '1.0.0';
  const [major = 0, minor = 0, patch = 0] = before.semanticVersion.split('.').map(Number);
  if (before.lineage.interfaceSha256 !== next.lineage.interfaceSha256) return `${major + 1}.0.0`;
  return learnedFrom(before) === learnedFrom(next) ? `${major}.${minor}.${patch + 1}` : `${major}.${minor + 1}.0`;
}

function learnedFrom({ data, lineage }: VersionFacts): string {
  return canonicalJson([data, lineage.featuresSha256, lineage.trainer]);
}
