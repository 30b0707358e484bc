const { TestEnvironment } = require('jest-environment-node');

const shared = [
  Float32Array,
  Float64Array,
  Int8Array,
  Int16Array,
  Int32Array,
  Uint8ClampedArray,
  Uint16Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
  Error,
  TypeError,
  RangeError,
];

/** Shares the outer realm's typed arrays and errors: native addons hand those out, and onnxruntime compares them by identity. */
module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    for (const type of shared) this.global[type.name] = type;
  }
};
