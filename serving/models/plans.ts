import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ModelReference } from '../../domain/model-package.ts';
import { writeWholeFile } from '../../stores/local-files.ts';
import { cudaProviderInstalled } from './cuda.ts';
import type { ModelPlan } from './model-plan.ts';

/** The plans that this machine made, one file a package. */
export type Plans = {
  /** Null where there is none, or none that can be read, or it was made elsewhere, or for more memory than there is now. */
  read(reference: ModelReference): Promise<ModelPlan | null>;
  /** @throws CodedError DISK_FULL. */
  write(reference: ModelReference, plan: ModelPlan): Promise<void>;
};

/** Grows with every change of what a plan is, or of how it is decided. */
const format = 1;

/** What a plan depends on beside the package is in the files' names: another machine, or another ONNX Runtime, finds none. */
export function openPlans(options: {
  readonly plansFolder: string;
  readonly cores: number;
  readonly device: string;
  readonly memoryLimitBytes: number;
}): Plans {
  const { cores, device } = options;
  const machine = { format, cores, device, arch: process.arch, runtime: runtimeVersion(), cuda: hasCuda(device) };
  const name = createHash('sha256').update(JSON.stringify(machine)).digest('hex').slice(0, 16);
  const fileOf = ({ packageDigest }: ModelReference): string =>
    join(options.plansFolder, `${packageDigest}-${name}.json`);
  return {
    async read(reference) {
      const text = await readFile(fileOf(reference), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      });
      if (text === null) return null;
      const plan = parsePlan(text);
      if (plan === null) return null;
      const tooLarge = plan.provider === 'cpu' && plan.measured.memoryBytes > options.memoryLimitBytes;
      return tooLarge ? null : plan;
    },
    write: (reference, plan) => writeWholeFile(fileOf(reference), [Buffer.from(JSON.stringify(plan))]),
  };
}

/** Null for a file that a power cut or a person damaged: the package is measured anew, and the file written over. */
function parsePlan(text: string): ModelPlan | null {
  try {
    const plan = JSON.parse(text) as Partial<ModelPlan> | null;
    return typeof plan?.measured?.memoryBytes === 'number' ? (plan as ModelPlan) : null;
  } catch {
    return null;
  }
}

const hasCuda = (device: string): boolean => device !== 'cpu' && cudaProviderInstalled();

function runtimeVersion(): string {
  const file = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}
