import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import type { TrainingProfile } from '../../domain/drift-report.ts';
import { type ModelReference, type PackageFile, packageFiles, type Signature } from '../../domain/model-package.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { writePackage } from '../../stores/packages.ts';
import type { SigningKey } from '../../stores/signing/signing.ts';

/** The model of all sides: so many trees of depth 5 over so many numbers, about what LightGBM makes of its defaults (31 leaves). */
export const forestTrees = 100;
export const forestColumns = Array.from({ length: 20 }, (_, index) => `x${String(index).padStart(2, '0')}`);

const depth = 5;
const [firstLeaf, nodes] = [2 ** depth - 1, 2 ** (depth + 1) - 1];

const signature: Signature = {
  numbers: forestColumns,
  categories: [],
  record: Object.fromEntries(forestColumns.map((name) => [name, 'number'])),
  target: { name: 'label', task: 'binary', sql: 'label' },
};

const profile: TrainingProfile = {
  rows: 2,
  features: {},
  prediction: { kind: 'number', edges: [0, 0.5, 1], counts: [1, 1], missing: 0 },
  labelShare: 0.5,
};

/** Passes the columns on, as `bench/training` has it. */
const features = `export const record = { ${forestColumns.map((name) => `${name}: 'number'`).join(', ')} };
export const features = (row) => ({ ${forestColumns.map((name) => `${name}: row.${name}`).join(', ')} });
`;

/** Writes a forest's package into the bucket; another seed makes other trees. */
export async function putForest(
  store: ObjectStore,
  version: Pick<ModelReference, 'model' | 'modelVersion'>,
  options: { readonly seed: number; readonly key: SigningKey },
): Promise<ModelReference> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-forest-'));
  const contents: Record<PackageFile, string | Uint8Array> = {
    'model.onnx': forestOnnx(options.seed),
    'features.mjs': features,
    'signature.json': JSON.stringify(signature),
    'profile.json': JSON.stringify(profile),
  };
  try {
    for (const name of packageFiles) await writeFile(join(folder, name), contents[name]);
    const files = Object.fromEntries(packageFiles.map((name) => [name, join(folder, name)]));
    return await writePackage(store, version, files as Record<PackageFile, string>, options.key);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The part of onnx-ml.proto (release 1.18, https://github.com/onnx/onnx) that the model needs; numbers of fields are the format. */
const onnx = protobuf
  .parse(
    `
  syntax = "proto3";
  message Attribute { string name = 1; int64 i = 3; bytes s = 4; repeated float floats = 7; repeated int64 ints = 8; repeated bytes strings = 9; int32 type = 20; }
  message Node { repeated string input = 1; repeated string output = 2; string op_type = 4; repeated Attribute attribute = 5; string domain = 7; }
  message Dimension { int64 dim_value = 1; string dim_param = 2; }
  message Shape { repeated Dimension dim = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Type { TensorType tensor_type = 1; }
  message Value { string name = 1; Type type = 2; }
  message Graph { repeated Node node = 1; string name = 2; repeated Value input = 11; repeated Value output = 12; }
  message Opset { string domain = 1; int64 version = 2; }
  message Model { int64 ir_version = 1; Graph graph = 7; repeated Opset opset_import = 8; }
`,
    { keepCase: true },
  )
  .root.lookupType('Model');

/** The bytes of `model.onnx`: a tree ensemble as the trainers export it, and a sigmoid. The same seed gives the same bytes. */
export function forestOnnx(seed: number): Uint8Array {
  const value = (name: string, width: number) => ({
    name,
    type: { tensor_type: { elem_type: 1, shape: { dim: [{ dim_param: 'n' }, { dim_value: width }] } } },
  });
  const graph = {
    name: 'forest',
    node: [
      {
        input: ['numbers'],
        output: ['score'],
        op_type: 'TreeEnsembleRegressor',
        domain: 'ai.onnx.ml',
        attribute: ensemble(seed),
      },
      { input: ['score'], output: ['probability'], op_type: 'Sigmoid' },
    ],
    input: [value('numbers', forestColumns.length)],
    output: [value('probability', 1)],
  };
  const opset_import = [
    { domain: '', version: 17 },
    { domain: 'ai.onnx.ml', version: 3 },
  ];
  return onnx.encode(onnx.fromObject({ ir_version: 8, graph, opset_import })).finish();
}

function ensemble(seed: number): readonly object[] {
  const chance = mulberry(seed);
  const ints = (name: string, values: readonly number[]) => ({ name, type: 7, ints: values });
  const floats = (name: string, values: readonly number[]) => ({ name, type: 6, floats: values });
  const text = (value: string) => Buffer.from(value);
  const all = Array.from({ length: forestTrees * nodes }, (_, place) => ({
    tree: Math.floor(place / nodes),
    id: place % nodes,
    leaf: place % nodes >= firstLeaf,
    feature: Math.floor(chance() * forestColumns.length),
    value: chance(),
  }));
  const leaves = all.filter(({ leaf }) => leaf);
  const child = (side: 1 | 2) => all.map(({ id, leaf }) => (leaf ? 0 : 2 * id + side));
  return [
    ints(
      'nodes_treeids',
      all.map(({ tree }) => tree),
    ),
    ints(
      'nodes_nodeids',
      all.map(({ id }) => id),
    ),
    ints(
      'nodes_featureids',
      all.map(({ leaf, feature }) => (leaf ? 0 : feature)),
    ),
    floats(
      'nodes_values',
      all.map(({ leaf, value }) => (leaf ? 0 : value)),
    ),
    { name: 'nodes_modes', type: 8, strings: all.map(({ leaf }) => text(leaf ? 'LEAF' : 'BRANCH_LEQ')) },
    ints('nodes_truenodeids', child(1)),
    ints('nodes_falsenodeids', child(2)),
    ints(
      'target_treeids',
      leaves.map(({ tree }) => tree),
    ),
    ints(
      'target_nodeids',
      leaves.map(({ id }) => id),
    ),
    ints(
      'target_ids',
      leaves.map(() => 0),
    ),
    floats(
      'target_weights',
      leaves.map(({ value }) => (value - 0.5) / 5),
    ),
    { name: 'n_targets', type: 2, i: 1 },
    { name: 'aggregate_function', type: 3, s: text('SUM') },
    { name: 'post_transform', type: 3, s: text('NONE') },
  ];
}

/** Numbers in [0, 1) that follow from a seed (Tommy Ettinger's mulberry32). */
export function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
