import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CodedError } from '../../domain/errors.ts';
import type { ModelReference } from '../../domain/model-package.ts';

/** Whether a GPU can be used here; `freeBytes` is that of the first one. */
export type Cuda =
  { readonly usable: true; readonly freeBytes: number } | { readonly usable: false; readonly why: string };

const megabyte = 1024 * 1024;

/** Whether ONNX Runtime's CUDA provider is installed here; costs one look at the disk. */
export function cudaProviderInstalled(): boolean {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const file = process.platform === 'linux' ? 'libonnxruntime_providers_cuda.so' : 'onnxruntime_providers_cuda.dll';
  return existsSync(join(root, 'bin', 'napi-v6', process.platform, process.arch, file));
}

/** Asks ONNX Runtime's folder for its CUDA provider, and nvidia-smi for the first GPU's free memory. */
export async function findCuda(): Promise<Cuda> {
  if (!cudaProviderInstalled()) return { usable: false, why: "onnxruntime-node's CUDA provider is not installed" };
  try {
    const { stdout } = await promisify(execFile)(
      'nvidia-smi',
      ['--query-gpu=memory.free', '--format=csv,noheader,nounits', '--id=0'],
      { timeout: 5_000 },
    );
    const free = Number.parseInt(stdout, 10);
    if (!Number.isFinite(free)) return { usable: false, why: `nvidia-smi answered '${stdout.trim()}'` };
    return { usable: true, freeBytes: free * megabyte };
  } catch (error) {
    return { usable: false, why: `nvidia-smi does not answer (${(error as Error).message})` };
  }
}

/**
 * Makes sure that the first GPU has room for a package, before it is loaded there: one that runs out of memory takes its neighbours along.
 *
 * @throws CodedError DEVICE_MEMORY_EXHAUSTED naming what is free and what is needed; SERVICE_UNAVAILABLE when no GPU can be used.
 */
export async function requireVideoMemory(reference: ModelReference, neededBytes: number): Promise<void> {
  const cuda = await findCuda();
  const name = `Model ${reference.model} version ${reference.modelVersion}`;
  if (!cuda.usable) {
    throw new CodedError(
      'SERVICE_UNAVAILABLE',
      `${name} cannot be loaded onto a GPU: ${cuda.why}. Install it, or serve on the CPU.`,
    );
  }
  if (cuda.freeBytes >= neededBytes) return;
  throw new CodedError(
    'DEVICE_MEMORY_EXHAUSTED',
    `${name} needs about ${Math.ceil(neededBytes / megabyte)} MiB of the GPU's memory, ${Math.floor(cuda.freeBytes / megabyte)} MiB are free. Free some, or serve it on the CPU.`,
    { details: { neededBytes, freeBytes: cuda.freeBytes } },
  );
}
