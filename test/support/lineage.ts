import type { Lineage } from '../../domain/registry.ts';
import type { NewVersion } from '../../stores/registry.ts';

/** Where a version comes from that no training made. */
export const testLineage: Lineage = {
  trainer: { kind: 'dense', hidden: [], epochs: 1, batchSize: 256, learningRate: 0.001, embedding: 4 },
  seed: 7,
  featuresSha256: 'f'.repeat(64),
  interfaceSha256: '1'.repeat(64),
  modelSha256: 'e'.repeat(64),
  environment: {
    node: '20.20.0',
    platform: 'linux-x64',
    perdura: '0.1.0',
    temporalSdk: '1.24.0',
    bundleSha256: 'b'.repeat(64),
    lockfileSha256: null,
    gitCommit: null,
  },
  record: { key: 'runs/test/test/test/artifacts/1-train/training.json', s3VersionId: 'v', sizeBytes: 2, sha256: 'd' },
};

/** A version to register, as a training would. */
export function newVersion(registrationId: string, more: Partial<NewVersion> = {}): NewVersion {
  return {
    registrationId,
    run: { pipeline: 'flights', workflowId: 'flights/1', runId: 'run-1' },
    data: { snapshot: { dataset: 'flights', digest: 'd', rows: 10 }, rows: 10 },
    lineage: testLineage,
    about: null,
    createdAt: '2001-03-01T00:00:00.000Z',
    ...more,
  };
}
