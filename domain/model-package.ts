import type { FeatureNames, RecordSchema } from './features.ts';
import type { Target } from './target.ts';

/**
 * `signature.json`: what goes into model.onnx and what comes out. Inputs: `numbers` FP32 [rows, numbers.length] and `categories`
 * BYTES [rows, categories.length] (an input of width 0 is absent); output: `probability` FP32 [rows, 1].
 */
export type Signature = FeatureNames & { readonly record: RecordSchema; readonly target: Target };

/** The files of every package. */
export const packageFiles = ['model.onnx', 'features.mjs', 'signature.json', 'profile.json'] as const;
export type PackageFile = (typeof packageFiles)[number];

/** Names a registered version; `packageDigest` is the SHA-256 of the canonical JSON of its manifest, hex. */
export type ModelReference = { readonly model: string; readonly modelVersion: string; readonly packageDigest: string };

/** `models/<model>/<version>/manifest.json`: the package's files by name. */
export type PackageManifest = {
  readonly model: string;
  readonly modelVersion: string;
  readonly files: Readonly<Record<PackageFile, { readonly sizeBytes: number; readonly sha256: string }>>;
};

/** The folder of a package in the bucket, with a slash at the end. */
export function packageFolder(version: Pick<ModelReference, 'model' | 'modelVersion'>): string {
  return `models/${version.model}/${version.modelVersion}/`;
}
