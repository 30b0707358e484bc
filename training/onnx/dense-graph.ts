import type { DenseLayer, DenseModel, Matrix } from '../dense-model.ts';
import {
  attributeType,
  dataType,
  encodeOnnx,
  type OnnxDimension,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './messages.ts';

/** What a part of the graph adds, and the name of its result. */
type Part = { readonly nodes: readonly OnnxNode[]; readonly tensors: readonly OnnxTensor[]; readonly output: string };

const utf8 = new TextEncoder();

/**
 * Writes a dense network as an ONNX file (IR 8, opset 17, ai.onnx.ml 3) with its preprocessing inside the graph, so that no server can
 * standardise or look up otherwise than the trainer did. Inputs and output are those of `Signature`; the batch is dynamic.
 */
export function encodeDenseModel(model: DenseModel): Uint8Array {
  const { numbers, categories } = model.names;
  const inputs = [
    ...(numbers.length > 0 ? [standardise(model)] : []),
    ...categories.map((name, column) => embed(model, name, column)),
  ];
  const joined = concatenate(inputs);
  const layers = stack(model.weights.layers, joined.output);
  const answer = finish(model, layers.at(-1)?.output ?? '');
  const parts = [...inputs, joined, ...layers, answer];
  const n: OnnxDimension = { dimParam: 'n' };
  return encodeOnnx({
    irVersion: 8,
    opsetImport: [
      { domain: '', version: 17 },
      { domain: 'ai.onnx.ml', version: 3 },
    ],
    producerName: 'perdura',
    graph: {
      name: 'dense',
      node: parts.flatMap((part) => part.nodes),
      initializer: parts.flatMap((part) => part.tensors),
      input: [
        ...(numbers.length > 0 ? [value('numbers', dataType.float, [n, { dimValue: numbers.length }])] : []),
        ...(categories.length > 0 ? [value('categories', dataType.string, [n, { dimValue: categories.length }])] : []),
      ],
      output: [value(answer.output, dataType.float, [n, { dimValue: model.weights.layers.at(-1)?.bias.length ?? 0 }])],
    },
  });
}

function standardise({ standardisation: { mean, deviation } }: DenseModel): Part {
  return {
    nodes: [
      { opType: 'Sub', name: 'centre', input: ['numbers', 'mean'], output: ['centred'] },
      { opType: 'Div', name: 'scale', input: ['centred', 'deviation'], output: ['standardised'] },
    ],
    tensors: [floats('mean', [mean.length], mean), floats('deviation', [deviation.length], deviation)],
    output: 'standardised',
  };
}

/** One column of strings to its rows of the embedding table; values outside the vocabulary take row 0. */
function embed(model: DenseModel, feature: string, column: number): Part {
  const id = `category_${column}`;
  const vocabulary = model.vocabularies[column] ?? [];
  const keys = vocabulary.map((entry) => utf8.encode(entry));
  return {
    nodes: [
      {
        opType: 'Gather',
        name: `${id}_column`,
        input: ['categories', `${id}_index`],
        output: [`${id}_text`],
        attribute: [{ name: 'axis', type: attributeType.int, i: 1 }],
      },
      {
        opType: 'LabelEncoder',
        domain: 'ai.onnx.ml',
        name: `${id}_vocabulary`,
        input: [`${id}_text`],
        output: [`${id}_code`],
        attribute: [
          { name: 'keys_strings', type: attributeType.strings, strings: keys },
          { name: 'values_int64s', type: attributeType.ints, ints: keys.map((_, index) => index + 1) },
          { name: 'default_int64', type: attributeType.int, i: 0 },
        ],
      },
      {
        opType: 'Gather',
        name: `${id}_embedding`,
        input: [`${id}_table`, `${id}_code`],
        output: [`${id}_embedded`],
      },
    ],
    tensors: [
      int64(`${id}_index`, column),
      matrix(`${id}_table`, model.weights.embeddings[column] ?? missingTable(feature)),
    ],
    output: `${id}_embedded`,
  };
}

function concatenate(inputs: readonly Part[]): Part {
  const [first] = inputs;
  if (inputs.length === 1 && first !== undefined) return { nodes: [], tensors: [], output: first.output };
  return {
    nodes: [
      {
        opType: 'Concat',
        name: 'concatenate',
        input: inputs.map((part) => part.output),
        output: ['features'],
        attribute: [{ name: 'axis', type: attributeType.int, i: 1 }],
      },
    ],
    tensors: [],
    output: 'features',
  };
}

function stack(layers: readonly DenseLayer[], input: string): readonly Part[] {
  return layers.map((layer, index) => {
    const id = `layer_${index}`;
    const last = index === layers.length - 1;
    const from = index === 0 ? input : `layer_${index - 1}_relu`;
    const gemm: OnnxNode = {
      opType: 'Gemm',
      name: id,
      input: [from, `${id}_kernel`, `${id}_bias`],
      output: [`${id}_sum`],
    };
    const relu: OnnxNode = { opType: 'Relu', name: `${id}_relu`, input: [`${id}_sum`], output: [`${id}_relu`] };
    return {
      nodes: last ? [gemm] : [gemm, relu],
      tensors: [matrix(`${id}_kernel`, layer.kernel), floats(`${id}_bias`, [layer.bias.length], layer.bias)],
      output: last ? `${id}_sum` : `${id}_relu`,
    };
  });
}

/** The values of the last layer as the answer that `outputOf` names. */
function finish({ output }: DenseModel, input: string): Part {
  switch (output.task) {
    case 'binary':
      return {
        nodes: [{ opType: 'Sigmoid', name: 'sigmoid', input: [input], output: ['probability'] }],
        tensors: [],
        output: 'probability',
      };
    case 'multiclass': {
      const attribute = [{ name: 'axis', type: attributeType.int, i: 1 }];
      return {
        nodes: [{ opType: 'Softmax', name: 'softmax', input: [input], output: ['probabilities'], attribute }],
        tensors: [],
        output: 'probabilities',
      };
    }
    case 'regression':
      return {
        nodes: [
          { opType: 'Mul', name: 'stretch', input: [input, 'target_deviation'], output: ['stretched'] },
          { opType: 'Add', name: 'shift', input: ['stretched', 'target_mean'], output: ['prediction'] },
        ],
        tensors: [
          floats('target_deviation', [1], Float32Array.of(output.deviation)),
          floats('target_mean', [1], Float32Array.of(output.mean)),
        ],
        output: 'prediction',
      };
    default:
      return output satisfies never;
  }
}

function value(name: string, elemType: number, dim: OnnxDimension[]): OnnxValue {
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

function matrix(name: string, { rows, columns, values }: Matrix): OnnxTensor {
  return floats(name, [rows, columns], values);
}

/** Raw data is little-endian by the specification, whatever the machine. */
function floats(name: string, dims: readonly number[], values: Float32Array): OnnxTensor {
  const rawData = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((entry, index) => rawData.setFloat32(index * 4, entry, true));
  return { name, dims, dataType: dataType.float, rawData: new Uint8Array(rawData.buffer) };
}

function int64(name: string, entry: number): OnnxTensor {
  const rawData = new DataView(new ArrayBuffer(8));
  rawData.setBigInt64(0, BigInt(entry), true);
  return { name, dims: [], dataType: dataType.int64, rawData: new Uint8Array(rawData.buffer) };
}

function missingTable(feature: string): never {
  throw new TypeError(`the category feature '${feature}' has no embedding table`);
}
