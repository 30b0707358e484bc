import type { EncodedRows } from '../../domain/features.ts';
import type { ModelReference, Signature } from '../../domain/model-package.ts';
import type { TraceCarrier } from '../observe/tracing.ts';
import type { RowAnswer } from './answer.ts';

/** One request, whichever protocol brought it. */
export type Call = {
  readonly protocol: 'rest' | 'grpc' | 'rows';
  /** The protocol's model name. */
  readonly endpoint: string;
  /** The version that the client names itself; null: the route chooses. */
  readonly modelVersion: string | null;
  readonly requestId: string | null;
  /** Null: the request's id. */
  readonly subject: string | null;
  /** The arm that a tester asks for (`x-perdura-arm`); null: the subject's. */
  readonly arm: string | null;
  readonly credential: Credential;
  readonly input: Input;
  /** Headers or metadata that may name the client's trace. */
  readonly trace: TraceCarrier;
};

/** Raw records, whose features the arm's package computes; or the inputs of the model themselves. */
export type Input =
  | {
      readonly kind: 'records';
      readonly records: readonly unknown[];
      /** As `encode` below, for what a request asks beside its records; undefined: nothing. */
      readonly check?: (signature: Signature) => void;
    }
  /** `encode` is called with the signature of the arm that was chosen. @throws CodedError INPUT_INVALID naming the tensor. */
  | { readonly kind: 'tensors'; readonly encode: (signature: Signature) => EncodedRows };

/** What a request says of who sends it, as it stood in its headers or metadata: `authorization`, `x-api-key`. */
export type Credential = { readonly authorization: string | null; readonly apiKey: string | null };

/** What a protocol turns into its answer. */
export type Answered = {
  readonly requestId: string;
  readonly endpoint: string;
  readonly epoch: number;
  readonly arm: 'champion' | 'challenger' | 'direct';
  readonly reference: ModelReference;
  readonly signature: Signature;
  readonly rows: number;
  /** Row-major, `rows` times the width of `outputOf(signature)`. */
  readonly outputs: Float32Array;
  /** The same, row by row, as the row endpoint answers. */
  readonly answers: readonly RowAnswer[];
};
