import type { FeatureNames, RecordSchema } from './features.ts';
import type { Target } from './target.ts';

/**
 * `signature.json`: what goes into model.onnx and what comes out. Inputs: `numbers` FP32 [rows, numbers.length] and `categories`
 * BYTES [rows, categories.length] (an input of width 0 is absent); the output is that of `outputOf`. `classes` stands only where the task
 * is `multiclass`: the classes that training saw, sorted, in the order of the output's columns.
 */
export type Signature = FeatureNames & {
  readonly record: RecordSchema;
  readonly target: Target;
  readonly classes?: readonly string[];
};

/** The one output of model.onnx that an answer is made of: FP32 [rows, width]. */
export type ModelOutput = { readonly name: 'probability' | 'probabilities' | 'prediction'; readonly width: number };

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

/** The manifest of a package; its SHA-256 is the package digest. */
export const packageManifestName = 'manifest.json';

/** The OpenSSF model signature of a package, beside its manifest: it covers the manifest and every file that the manifest names. */
export const packageSignatureName = 'model.sig';

/** `probability` of the target being true, `probabilities` of the classes, or the `prediction` of a number. */
export function outputOf(signature: Pick<Signature, 'target' | 'classes'>): ModelOutput {
  const { task } = signature.target;
  switch (task) {
    case 'binary':
      return { name: 'probability', width: 1 };
    case 'multiclass':
      return { name: 'probabilities', width: signature.classes?.length ?? 0 };
    case 'regression':
      return { name: 'prediction', width: 1 };
    default:
      return task satisfies never;
  }
}

/** The folder of a package in the bucket, with a slash at the end. */
export function packageFolder(version: Pick<ModelReference, 'model' | 'modelVersion'>): string {
  return `models/${version.model}/${version.modelVersion}/`;
}
