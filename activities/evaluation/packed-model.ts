import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PastValues } from '../../domain/aggregate.ts';
import { encodeRows, type FeatureModule, parseRecord } from '../../domain/features.ts';
import type { CaseRecord } from '../../domain/guardrail.ts';
import { outputOf, type Signature } from '../../domain/model-package.ts';
import { loadFeatureModule } from '../../stores/feature-module.ts';
import { applyFeatures } from '../../training/apply-features.ts';
import { openOnnxSession } from '../../training/onnx-session.ts';

/** A record as a client sends it, and what its features get of the past. */
export type ModelInput = { readonly record: CaseRecord; readonly past: PastValues };

/** A package that answers records as the model server does: parsed, made features of, run. It owns native memory: close it. */
export type PackedModel = {
  readonly signature: Signature;
  readonly features: FeatureModule;
  /** One answer a record, of the width of the model's output. Blocks while it computes: keep batches to some thousand rows. */
  answer(inputs: readonly ModelInput[]): Promise<readonly Float32Array[]>;
  close(): Promise<void>;
};

/**
 * Opens a package folder.
 *
 * @throws CodedError MODEL_INVALID or FEATURES_INVALID; `answer` also INPUT_INVALID for a record that is not as the signature has it.
 */
export async function openPackedModel(packageFolder: string): Promise<PackedModel> {
  const signature: Signature = JSON.parse(await readFile(join(packageFolder, 'signature.json'), 'utf8'));
  const features = await loadFeatureModule(join(packageFolder, 'features.mjs'));
  const session = await openOnnxSession(packageFolder, signature);
  const { width } = outputOf(signature);
  return {
    signature,
    features,
    async answer(inputs) {
      const rows = inputs.map(({ record, past }) =>
        applyFeatures(features, parseRecord(signature.record, record), past),
      );
      const outputs = await session.predict(encodeRows(signature, rows));
      return inputs.map((_, row) => outputs.subarray(row * width, (row + 1) * width));
    },
    close: () => session.close(),
  };
}
