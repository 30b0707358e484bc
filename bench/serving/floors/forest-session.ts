import { InferenceSession, Tensor } from 'onnxruntime-node';
import { forestColumns } from '../forest.ts';

/** ONNX Runtime with nothing around it: one thread, as the model server has it. */
export type ForestSession = { run(numbers: Float32Array): Promise<Float32Array> };

/** Opens the forest of a file. */
export async function openForest(file: string): Promise<ForestSession> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const width = forestColumns.length;
  return {
    async run(numbers) {
      const output = await session.run({ numbers: new Tensor('float32', numbers, [numbers.length / width, width]) });
      return output['probability']?.data as Float32Array;
    },
  };
}
