import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import protobuf from 'protobufjs';

import type { TrainingProfile } from '../../domain/drift-report.ts';
import { type ModelReference, outputOf, type PackageFile, type Signature } from '../../domain/model-package.ts';
import type { Task } from '../../domain/target.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { writePackage } from '../../stores/packages.ts';
import { testKey } from './test-key.ts';

/**
 * probability = sigmoid(distance · wDistance + hour · wHour + bias + (wOrigin of the category, 0 for others)): small enough to compute by hand.
 * A `regression` answers what the sigmoid is taken of; a `multiclass` model softmax(s, 0, -s) of it, for `tinyClasses`.
 * `spinMs` makes the feature function busy for so long. `matrix` makes the model multiply each row with a matrix of so many rows and columns,
 * all zero, before it answers the same: 4 bytes of memory a cell once it is loaded, and about 2 ms a row at 3,000; `passes` times, 1 unless given.
 */
export type TinyModel = {
  readonly bias: number;
  readonly distance?: number;
  readonly hour?: number;
  readonly origins?: Readonly<Record<string, number>>;
  readonly spinMs?: number;
  readonly matrix?: number;
  readonly passes?: number;
  readonly task?: Task;
};

/** The classes of a tiny model of several. */
export const tinyClasses = ['early', 'late', 'on time'];

export const tinySignature: Signature = {
  numbers: ['distance', 'hour'],
  categories: ['origin'],
  record: { date: 'timestamp', distance: 'number', origin: 'string' },
  target: { name: 'late', task: 'binary', sql: 'delay > 15' },
};

/** The signature of a tiny model of that task. */
export function tinySignatureOf(task: Task): Signature {
  const target = { ...tinySignature.target, task };
  return { ...tinySignature, target, ...(task === 'multiclass' ? { classes: tinyClasses } : {}) };
}

/** Writes the four files of a package into a new folder. */
export async function tinyPackageFiles(model: TinyModel): Promise<Record<PackageFile, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-tiny-model-'));
  const contents: Record<PackageFile, string | Uint8Array> = {
    'model.onnx': onnxBytes(model),
    'features.mjs': featuresText(model),
    'signature.json': JSON.stringify(tinySignatureOf(model.task ?? 'binary')),
    'profile.json': JSON.stringify(profile),
  };
  const written = Object.entries(contents).map(async ([name, content]) => {
    const file = join(folder, name);
    await writeFile(file, content);
    return [name, file] as const;
  });
  return Object.fromEntries(await Promise.all(written)) as Record<PackageFile, string>;
}

/** Puts a tiny model's package into a bucket. */
export async function putTinyPackage(
  store: ObjectStore,
  version: Pick<ModelReference, 'model' | 'modelVersion'>,
  model: TinyModel,
): Promise<ModelReference> {
  const files = await tinyPackageFiles(model);
  const reference = await writePackage(store, version, files, await testKey());
  await rm(dirname(files['model.onnx']), { recursive: true });
  return reference;
}

const profile: TrainingProfile = {
  rows: 2,
  features: {},
  prediction: { kind: 'number', edges: [0, 0.5, 1], counts: [1, 1], missing: 0 },
  labelShare: 0.5,
};

function featuresText({ spinMs = 0 }: TinyModel): string {
  return `export const record = { date: 'timestamp', distance: 'number', origin: 'string' };
export function features(row) {
  if (row.origin === 'BOOM') throw new Error('no such airport');
  for (const end = Date.now() + ${spinMs}; Date.now() < end; );
  return { distance: row.distance / 1000, hour: new Date(row.date).getUTCHours(), origin: row.origin };
}
`;
}

/** The part of onnx-ml.proto (release 1.18, https://github.com/onnx/onnx) that the model needs; numbers of fields are the format. */
const onnx = protobuf
  .parse(
    `
  syntax = "proto3";
  message Attribute { string name = 1; float f = 2; int64 i = 3; bytes s = 4; repeated float floats = 7; repeated bytes strings = 9; int32 type = 20; }
  message Node { repeated string input = 1; repeated string output = 2; string op_type = 4; repeated Attribute attribute = 5; string domain = 7; }
  message Tensor { repeated int64 dims = 1; int32 data_type = 2; repeated float float_data = 4; repeated int64 int64_data = 7; string name = 8; }
  message Dimension { int64 dim_value = 1; string dim_param = 2; }
  message Shape { repeated Dimension dim = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Type { TensorType tensor_type = 1; }
  message Value { string name = 1; Type type = 2; }
  message Graph { repeated Node node = 1; string name = 2; repeated Tensor initializer = 5; repeated Value input = 11; repeated Value output = 12; }
  message Opset { string domain = 1; int64 version = 2; }
  message Model { int64 ir_version = 1; Graph graph = 7; repeated Opset opset_import = 8; }
`,
    { keepCase: true },
  )
  .root.lookupType('Model');

const [floatType, longType, stringType] = [1, 7, 8];

function onnxBytes({
  bias,
  distance = 0,
  hour = 0,
  origins = {},
  matrix,
  passes = 1,
  task = 'binary',
}: TinyModel): Uint8Array {
  const output = outputOf(tinySignatureOf(task));
  const node = (op_type: string, input: readonly string[], output: string, more: object = {}) => ({
    op_type,
    input,
    output: [output],
    ...more,
  });
  const value = (name: string, elem_type: number, width: number) => ({
    name,
    type: { tensor_type: { elem_type, shape: { dim: [{ dim_param: 'n' }, { dim_value: width }] } } },
  });
  const attribute = [
    { name: 'keys_strings', type: 8, strings: Object.keys(origins).map((origin) => Buffer.from(origin)) },
    { name: 'values_floats', type: 6, floats: Object.values(origins) },
    { name: 'default_float', type: 1, f: 0 },
  ];
  const graph = {
    name: 'tiny',
    node: [
      node('Gemm', ['numbers', 'weights', 'bias'], matrix === undefined ? 'linear' : 'plain'),
      ...(matrix === undefined ? [] : multiplied(passes)),
      node('LabelEncoder', ['categories'], 'origin', { domain: 'ai.onnx.ml', attribute }),
      node('Add', ['linear', 'origin'], 'logit'),
      ...{
        binary: [node('Sigmoid', ['logit'], output.name)],
        regression: [node('Identity', ['logit'], output.name)],
        multiclass: [node('MatMul', ['logit', 'spread'], 'logits'), node('Softmax', ['logits'], output.name)],
      }[task],
    ],
    initializer: [
      { name: 'weights', dims: [2, 1], data_type: floatType, float_data: [distance, hour] },
      { name: 'bias', dims: [1], data_type: floatType, float_data: [bias] },
      ...(task === 'multiclass'
        ? [{ name: 'spread', dims: [1, 3], data_type: floatType, float_data: [1, 0, -1] }]
        : []),
      ...(matrix === undefined ? [] : zeroShapes(matrix)),
    ],
    input: [value('numbers', floatType, 2), value('categories', stringType, 1)],
    output: [value(output.name, floatType, output.width)],
  };
  const opset_import = [
    { domain: '', version: 17 },
    { domain: 'ai.onnx.ml', version: 3 },
  ];
  return onnx.encode(onnx.fromObject({ ir_version: 8, graph, opset_import })).finish();
}

/** Makes `linear` of `plain` [n, 1] by adding what it is times zeros of [1, size], [size, size] (so often) and [size, 1], which ONNX Runtime makes when it loads the model. */
function multiplied(passes: number): readonly object[] {
  const zeros = ['wide', 'square', 'tall'];
  const product = (pass: number): string => `product ${String(pass)}`;
  return [
    ...zeros.map((name) => ({ op_type: 'ConstantOfShape', input: [`${name} shape`], output: [name] })),
    { op_type: 'MatMul', input: ['plain', 'wide'], output: [product(0)] },
    ...Array.from({ length: passes }, (_, pass) => ({
      op_type: 'MatMul',
      input: [product(pass), 'square'],
      output: [product(pass + 1)],
    })),
    { op_type: 'MatMul', input: [product(passes), 'tall'], output: ['product'] },
    { op_type: 'Add', input: ['plain', 'product'], output: ['linear'] },
  ];
}

function zeroShapes(size: number): readonly object[] {
  const shape = (name: string, int64_data: readonly number[]) => ({
    name: `${name} shape`,
    dims: [2],
    data_type: longType,
    int64_data,
  });
  return [shape('wide', [1, size]), shape('square', [size, size]), shape('tall', [size, 1])];
}
