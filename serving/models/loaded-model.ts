import type { EncodedRows, FeatureModule } from '../../domain/features.ts';
import type { ModelReference, Signature } from '../../domain/model-package.ts';

/** A package that is loaded and warm, here or in its host. It owns what it runs on: close it once, when nothing runs on it any more. */
export type LoadedModel = {
  readonly reference: ModelReference;
  readonly signature: Signature;
  readonly features: FeatureModule;
  /**
   * Answers rows; those of several callers may share one run of the model.
   *
   * @throws CodedError MODEL_INVALID; OVERLOADED when too many rows wait already.
   */
  run(rows: EncodedRows): Promise<ModelRun>;
  close(): Promise<void>;
};

/** `outputs`: the rows of the signature's output, row-major; `computeMs`: this caller's share of the run. */
export type ModelRun = { readonly outputs: Float32Array; readonly computeMs: number };
