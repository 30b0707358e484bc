import type { Decision } from './decision.ts';
import type { RecordSchema } from './features.ts';
import type { ModelOutput } from './model-package.ts';
import type { Alias, AliasMove, Lineage, ModelAbout } from './registry.ts';
import type { RunKey } from './run.ts';
import type { DataSlice } from './snapshot.ts';
import type { StepCacheUse } from './step-cache.ts';
import type { Target } from './target.ts';
import type { Cost, Hardware, PythonEnvironment, Usage } from './training-record.ts';

/**
 * What a version of a model is, for people and for tools (Mitchell et al., Model Cards for Model Reporting, 2019). Only what its author says
 * of it is written by hand; all else comes from the evidence, and what is not known is listed in `unknown` instead of left out.
 */
export type ModelCard = {
  readonly model: string;
  readonly modelVersion: string;
  readonly semanticVersion: string;
  readonly status: 'pending' | 'ready' | 'rejected';
  readonly aliases: readonly Alias[];
  readonly createdAt: string;
  readonly packageDigest: string | null;
  readonly about: ModelAbout | null;
  readonly target: Target;
  readonly classes: readonly string[] | null;
  readonly record: RecordSchema;
  readonly features: { readonly numbers: readonly string[]; readonly categories: readonly string[] };
  readonly output: ModelOutput;
  readonly data: DataSlice & { readonly trained: number; readonly skipped: number };
  readonly training: {
    readonly metrics: Readonly<Record<string, number>>;
    readonly hardware: Hardware;
    readonly usage: Usage;
    readonly cost: Cost | null;
    readonly python: PythonEnvironment | null;
    /** A hit: another run did the work, and usage and cost are those of looking it up. */
    readonly cache: StepCacheUse;
  };
  /** Every decision of the run that trained it, in order. */
  readonly decisions: readonly { readonly step: string; readonly decision: Decision }[];
  /** Moves of aliases to or from this version. */
  readonly moves: readonly AliasMove[];
  readonly run: RunKey;
  readonly lineage: Lineage;
  /** What was not shown: guardrails that are open, slices and groups that are too small. */
  readonly limits: readonly string[];
  /** What nobody has said or kept. */
  readonly unknown: readonly string[];
};
