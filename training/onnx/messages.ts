import protobuf from 'protobufjs';

/**
 * The messages of onnx-ml.proto that a feed-forward graph needs, with the numbers of the ONNX specification (release 1.16, Apache-2.0).
 * Enums are written as int32: the same bytes on the wire.
 */
const proto = `
syntax = "proto2";
package onnx;
message ModelProto { optional int64 ir_version = 1; repeated OperatorSetIdProto opset_import = 8; optional string producer_name = 2; optional GraphProto graph = 7; }
message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
message GraphProto { repeated NodeProto node = 1; optional string name = 2; repeated TensorProto initializer = 5; repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12; }
message NodeProto { repeated string input = 1; repeated string output = 2; optional string name = 3; optional string op_type = 4; repeated AttributeProto attribute = 5; optional string domain = 7; }
message AttributeProto { optional string name = 1; optional int64 i = 3; repeated int64 ints = 8; repeated bytes strings = 9; optional int32 type = 20; }
message TensorProto { repeated int64 dims = 1; optional int32 data_type = 2; optional string name = 8; optional bytes raw_data = 9; }
message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
message TypeProto { optional TensorTypeProto tensor_type = 1; }
message TensorTypeProto { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; }
message TensorShapeProto { repeated DimensionProto dim = 1; }
message DimensionProto { optional int64 dim_value = 1; optional string dim_param = 2; }
`;

/** Element types of tensors, by TensorProto.DataType. */
export const dataType = { float: 1, int64: 7, string: 8 } as const;

/** Kinds of attributes, by AttributeProto.AttributeType. */
export const attributeType = { int: 2, ints: 7, strings: 8 } as const;

export type OnnxAttribute = {
  readonly name: string;
  readonly type: number;
  readonly i?: number;
  readonly ints?: readonly number[];
  readonly strings?: readonly Uint8Array[];
};
export type OnnxNode = {
  readonly opType: string;
  readonly name: string;
  readonly domain?: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute?: readonly OnnxAttribute[];
};
export type OnnxTensor = {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  readonly rawData: Uint8Array;
};
export type OnnxDimension = { readonly dimValue: number } | { readonly dimParam: string };
export type OnnxValue = {
  readonly name: string;
  readonly type: {
    readonly tensorType: { readonly elemType: number; readonly shape: { readonly dim: OnnxDimension[] } };
  };
};
export type OnnxModel = {
  readonly irVersion: number;
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[];
  readonly producerName: string;
  readonly graph: {
    readonly name: string;
    readonly node: readonly OnnxNode[];
    readonly initializer: readonly OnnxTensor[];
    readonly input: readonly OnnxValue[];
    readonly output: readonly OnnxValue[];
  };
};

const modelProto = protobuf.parse(proto).root.lookupType('onnx.ModelProto');

/** The bytes of a model file; the same model gives the same bytes, since fields are written in the order of the schema. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  return modelProto.encode(modelProto.fromObject(model)).finish();
}
