import { outputOf } from '../../../domain/model-package.ts';
import type { Answered } from '../../answering/call.ts';
import { type HttpAnswer, jsonAnswer } from '../http-answer.ts';
import { answerParameters } from '../metadata.ts';
import { encodeOutput } from '../tensors.ts';

/**
 * Writes an inference response. `id` is the client's, or the made-up one that the log has the request under. With `binary` the values follow the
 * JSON as raw bytes (Triton's extension for tensors in binary).
 */
export function inferAnswer(answered: Answered, { binary }: { readonly binary: boolean }): HttpAnswer {
  const { outputs } = answered;
  if (!binary) return jsonAnswer(200, responseText(answered, `"data":[${outputs.join(',')}]`));
  const bytes = encodeOutput(outputs);
  const text = Buffer.from(responseText(answered, `"parameters":{"binary_data_size":${bytes.length}}`));
  return {
    status: 200,
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(text.length) },
    body: Buffer.concat([text, bytes]),
  };
}

function responseText(answered: Answered, data: string): string {
  const { name, width } = outputOf(answered.signature);
  const parameters = answerParameters(answered);
  return (
    `{"model_name":${JSON.stringify(answered.endpoint)},"model_version":${JSON.stringify(parameters.model_version)},` +
    `"id":${JSON.stringify(answered.requestId)},"parameters":${JSON.stringify(parameters)},` +
    `"outputs":[{"name":"${name}","datatype":"FP32","shape":[${answered.rows},${width}],${data}}]}`
  );
}
