import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { env, ready, setBackend } from '@tensorflow/tfjs-core';
import { CodedError } from '../../domain/errors.ts';

/**
 * Starts TensorFlow.js on WebAssembly, on one thread: networks of this size gain nothing from more, and one order of additions gives the
 * same bits everywhere. The program with SIMD is the one that loads, on every machine that Node 20 runs on.
 *
 * @throws CodedError TRAINING_FAILED when the backend does not start.
 */
export async function startWasmBackend(): Promise<void> {
  const program = createRequire(import.meta.url).resolve(
    '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
  );
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  setWasmPaths(`${dirname(program)}${sep}`);
  const started = await setBackend('wasm');
  await ready();
  if (!started)
    throw new CodedError('TRAINING_FAILED', `TensorFlow.js did not start on ${program}. Install the packages again.`);
}
