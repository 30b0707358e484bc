import { CodedError } from '../../../domain/errors.ts';
import type { EncodedRows } from '../../../domain/features.ts';
import { outputOf, type Signature } from '../../../domain/model-package.ts';
import type { ActiveRoute } from '../../active-route.ts';
import type { LoadedModel } from '../../models/load-model.ts';
import type { RouteFollower } from '../../control/route-follower.ts';

/** A tensor of the Open Inference Protocol v2; `data` is flat or nested, row-major. */
export type V2Tensor = {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
};
export type V2Request = {
  readonly id?: string;
  readonly inputs: readonly V2Tensor[];
  readonly outputs?: readonly { readonly name: string }[];
};
type TensorMetadata = { readonly name: string; readonly datatype: 'FP32' | 'BYTES'; readonly shape: readonly number[] };

/** A loaded model and the route that keeps it loaded. */
export type ServedModel = { readonly active: ActiveRoute; readonly model: LoadedModel; readonly arm: string };

/**
 * Finds a model among those that routes in force use: the champion of any endpoint, or the named version wherever it is loaded.
 *
 * @throws CodedError NOT_FOUND.
 */
export function findModel(follower: RouteFollower, name: string, modelVersion: string | null): ServedModel {
  for (const served of follower.routes().flatMap(modelsOf)) {
    const { reference } = served.model;
    if (reference.model !== name) continue;
    if (modelVersion === null ? served.arm === 'champion' : reference.modelVersion === modelVersion) return served;
  }
  const what = modelVersion === null ? `as a champion` : `in version ${modelVersion}`;
  throw new CodedError('NOT_FOUND', `Model '${name}' is not loaded here ${what}. See 'perdura routes'.`);
}

/** All versions of a model that are loaded. */
export function loadedVersions(follower: RouteFollower, name: string): readonly string[] {
  const all = follower.routes().flatMap(modelsOf);
  const own = all.map(({ model }) => model.reference).filter((reference) => reference.model === name);
  return [...new Set(own.map((reference) => reference.modelVersion))].toSorted();
}

/** What goes in and comes out, as the protocol's model metadata has it; -1 is any number of rows. */
export function tensorsOf(signature: Signature): {
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
} {
  const { numbers, categories } = signature;
  const { name, width } = outputOf(signature);
  const inputs: TensorMetadata[] = [
    { name: 'numbers', datatype: 'FP32', shape: [-1, numbers.length] },
    { name: 'categories', datatype: 'BYTES', shape: [-1, categories.length] },
  ];
  return {
    inputs: inputs.filter(({ shape }) => shape[1] !== 0),
    outputs: [{ name, datatype: 'FP32', shape: [-1, width] }],
  };
}

/**
 * Turns a request's tensors into what a model takes. Nothing is coerced and nothing filled in.
 *
 * @throws CodedError INPUT_INVALID naming the tensor.
 */
export function parseTensors(signature: Signature, request: V2Request): EncodedRows {
  const output = outputOf(signature).name;
  for (const { name } of request.outputs ?? []) {
    if (name !== output) throw invalid(`Output '${name}' does not exist; there is '${output}'.`, name);
  }
  const wanted = tensorsOf(signature).inputs;
  const extra = request.inputs.find(({ name }) => !wanted.some((input) => input.name === name));
  if (extra !== undefined) throw invalid(`The model has no input '${extra.name}'.`, extra.name);
  const given = wanted.map((input) => ({ input, ...flatten(input, request.inputs) }));
  const [rows = 0] = given.map((tensor) => tensor.rows);
  const odd = given.find((tensor) => tensor.rows !== rows);
  if (odd !== undefined)
    throw invalid(`Input '${odd.input.name}' has ${odd.rows} rows, another has ${rows}.`, odd.input.name);
  const data = new Map(given.map((tensor) => [tensor.input.name, tensor.data]));
  return {
    rows,
    numbers: Float32Array.from(data.get('numbers') ?? [], (value) => float32(value)),
    categories: (data.get('categories') ?? []).map((value) => text(value)),
  };
}

function modelsOf(active: ActiveRoute): readonly ServedModel[] {
  return [
    ...active.arms.map((arm) => ({ active, model: arm.model, arm: arm.name })),
    ...active.shadows.map((model) => ({ active, model, arm: 'shadow' })),
  ];
}

function flatten(
  wanted: TensorMetadata,
  inputs: readonly V2Tensor[],
): { readonly rows: number; readonly data: readonly unknown[] } {
  const { name, datatype } = wanted;
  const [tensor, another] = inputs.filter((input) => input.name === name);
  if (tensor === undefined || another !== undefined) throw invalid(`Input '${name}' must be given once.`, name);
  if (tensor.datatype !== datatype) {
    throw invalid(`Input '${name}' must have datatype ${datatype}, got ${tensor.datatype}.`, name);
  }
  const [rows = 0, width = 0, ...more] = tensor.shape;
  const data = tensor.data.flat(1);
  if (width !== wanted.shape[1] || more.length > 0 || rows < 1 || data.length !== rows * width) {
    const shapes = `shape [${tensor.shape.join(', ')}] with ${data.length} values`;
    throw invalid(`Input '${name}' must have shape [rows, ${String(wanted.shape[1])}], got ${shapes}.`, name);
  }
  return { rows, data };
}

function float32(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(Math.fround(value))) return value;
  throw invalid(`Input 'numbers' holds ${JSON.stringify(value)}, which is no finite FP32.`, 'numbers');
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw invalid(`Input 'categories' holds ${JSON.stringify(value)}, which is no string.`, 'categories');
}

function invalid(message: string, field: string): CodedError {
  return new CodedError('INPUT_INVALID', message, { details: { field } });
}
