import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireSamePredictions } from '../../training/check-export.ts';
import { encodeOnnx, type OnnxModel } from '../../training/onnx/messages.ts';
import { openOnnxSession, type OnnxShape } from '../../training/onnx-session.ts';
import { openWorkplace, type Workplace } from './flights.ts';

const shape: OnnxShape = {
  numbers: ['a', 'b'],
  categories: [],
  target: { name: 'y', task: 'regression', sql: 'y' },
};

let workplace: Workplace;
beforeAll(async () => {
  workplace = await openWorkplace();
});
afterAll(() => workplace.remove());

test('a model whose graph leaves widths open is taken, and answers', async () => {
  const session = await openOnnxSession(encodeOnnx(identityModel({ width: 'open' })), { ...shape, numbers: ['a'] });
  const rows = { rows: 2, numbers: Float32Array.of(4, 5), categories: [] };
  expect([...(await session.predict(rows))]).toEqual([4, 5]);
  await session.close();
});

test.each([
  ['an IR version that is too new', identityModel({ ir: 14 }), /IR version 14.*at most 13.*model\.ir_version = 10/],
  ['an opset that is too new', identityModel({ opset: 27 }), /opset 27.*at most 26.*target_opset/],
  ['an input of another width', identityModel({ width: 3 }), /numbers float32 \[rows, 3\].*\[rows, 2\]/],
  ['an input of another type', identityModel({ type: 11 }), /numbers float64/],
  ['an input of another name', identityModel({ input: 'data' }), /data float32/],
  ['an output of another name', identityModel({ output: 'result' }), /result float32.*prediction float32/],
  ['an output of another width', identityModel({}), /prediction float32 \[rows, 2\].*prediction float32 \[rows, 1\]/],
])('%s is MODEL_INVALID and named', async (_, model, message) => {
  await expect(openOnnxSession(encodeOnnx(model), shape)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringMatching(message),
  });
});

test('a file of 3 GiB, a cut off one, an empty one and none are MODEL_INVALID', async () => {
  const whole = encodeOnnx(identityModel({}));
  await expect(openOnnxSession(await folderWith('large', whole, 3 * 2 ** 30), shape)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringContaining('2 GiB'),
  });
  await expect(openOnnxSession(await folderWith('cut', whole, whole.length - 5), shape)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringContaining('a part of one'),
  });
  await expect(openOnnxSession(await folderWith('empty', whole, 0), shape)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
  });
  await expect(openOnnxSession(join(workplace.folder, 'nowhere'), shape)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
  });
});

test('answers that are too far from the trainer’s own, or no numbers, are MODEL_INVALID with row and values', () => {
  const exported = Float32Array.of(0.5, 0.25, 0.125, 0.75);
  expect(() => requireSamePredictions(exported, [0.5, 0.25, 0.125, 0.7501], 1e-3)).not.toThrow();
  expect(() => requireSamePredictions(exported, [0.5, 0.25, 0.5, 0.75], 1e-3, 2)).toThrow(/0\.125 for row 1.*0\.5/);
  expect(() => requireSamePredictions(Float32Array.of(Number.NaN), [Number.NaN], 1)).toThrow(/NaN for row 0/);
  expect(() => requireSamePredictions(exported, [0.5], 1)).toThrow(/4 values where the trainer gives 1/);
});

type Wrong = {
  readonly ir?: number;
  readonly opset?: number;
  readonly width?: number | 'open';
  readonly type?: number;
  readonly input?: string;
  readonly output?: string;
};

/** A model that gives its input back. */
function identityModel({
  ir = 8,
  opset = 17,
  width = 2,
  type = 1,
  input = 'numbers',
  output = 'prediction',
}: Wrong): OnnxModel {
  const dim = [{ dimParam: 'n' }, width === 'open' ? { dimParam: 'k' } : { dimValue: width }];
  const value = (name: string) => ({ name, type: { tensorType: { elemType: type, shape: { dim } } } });
  return {
    irVersion: ir,
    opsetImport: [
      { domain: 'ai.onnx.ml', version: 3 },
      { domain: '', version: opset },
    ],
    producerName: 'test',
    graph: {
      name: 'identity',
      node: [{ opType: 'Identity', name: 'same', input: [input], output: [output] }],
      initializer: [],
      input: [value(input)],
      output: [value(output)],
    },
  };
}

async function folderWith(name: string, bytes: Uint8Array, size: number): Promise<string> {
  const folder = join(workplace.folder, name);
  await mkdir(folder);
  const file = join(folder, 'model.onnx');
  await writeFile(file, bytes);
  await truncate(file, size);
  return folder;
}
