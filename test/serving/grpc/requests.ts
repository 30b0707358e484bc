import type { MessageInitShape } from '@bufbuild/protobuf';

import type { ModelInferRequestSchema } from '../../../serving/protocol/grpc/generated/inference_pb.ts';

/** A message as it is written down, not one that was made already. */
type Plain<Init> = Exclude<Init, { readonly $typeName: string }>;
export type Request = Plain<MessageInitShape<typeof ModelInferRequestSchema>>;
export type Input = Plain<NonNullable<Request['inputs']>[number]>;

/** Two rows, typed. */
export const numbers: Input = {
  name: 'numbers',
  datatype: 'FP32',
  shape: [2n, 2n],
  contents: { fp32Contents: [1.5, 17, 0.5, 3] },
};
export const categories: Input = {
  name: 'categories',
  datatype: 'BYTES',
  shape: [2n, 1n],
  contents: { bytesContents: [Buffer.from('SFO'), Buffer.from('Zürich')] },
};
export const typed: Request = { modelName: 'flights', inputs: [numbers, categories] };
/** BYTES by the protocol: each text after its length, 4 bytes little endian. */
export const rawTexts = Buffer.from('\x03\x00\x00\x00SFO\x07\x00\x00\x00Z\xc3\xbcrich', 'latin1');
