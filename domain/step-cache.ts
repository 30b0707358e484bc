/** The four parts of a step's cache key, each the SHA-256 of what stands in it; the key is the SHA-256 of them together. */
export type StepCacheKey = {
  readonly key: string;
  /** The feature bundle, the trainer's program files and the version of the trainer. */
  readonly code: string;
  /** Data slice and target. */
  readonly inputs: string;
  /** Trainer, hyper-parameters, seed. */
  readonly params: string;
  /** Perdura, Node's major version, the Python environment, the kind of device. */
  readonly environment: string;
};

/** Whether a step was computed or its result found, with one sentence why. */
export type StepCacheUse = StepCacheKey & {
  readonly outcome: 'hit' | 'miss' | 'off';
  /** For a miss what differs from the nearest result that is kept; for a hit the run that computed it. */
  readonly why: string;
};

/** What the four digests of a key are of, readable: plain JSON, kept beside them so that a miss can be explained. */
export type StepCacheParts = Readonly<
  Record<'code' | 'inputs' | 'params' | 'environment', Readonly<Record<string, unknown>>>
>;
