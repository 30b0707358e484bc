import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CodedError } from '../../domain/errors.ts';
import { childEnvironment } from '../child-environment.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { MeasureConfig, Measured } from './measure-main.ts';
import type { ModelPlan } from './model-plan.ts';

type Options = Pick<MeasureConfig, 'cores' | 'device' | 'memoryLimitBytes'> & { readonly signal: AbortSignal };

const entry = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/serving/models/measure-main.js' : './measure-main.js',
  import.meta.url,
);
const measureAtMostMs = 60_000;
const sampleEveryMs = 20;
const megabyte = 1024 * 1024;

/**
 * Measures a package in a process of its own, which is ended when it takes more memory or time than it may.
 *
 * @throws CodedError as `planOf`.
 */
export async function measureInChild(
  found: { readonly reference: ModelReference; readonly folder: string },
  options: Options,
): Promise<ModelPlan> {
  const { signal, cores, device, memoryLimitBytes } = options;
  const config: MeasureConfig = { ...found, cores, device, memoryLimitBytes };
  const child = fork(fileURLToPath(entry), [], {
    env: childEnvironment({ PERDURA_MEASURE_CONFIG: JSON.stringify(config) }),
    // Flags of this process (a test runner's, a debugger's) are not for the child.
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const memory = watchMemory(child, memoryLimitBytes);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, measureAtMostMs);
  const abort = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', abort, { once: true });
  try {
    const { message, how, said } = await outcomeOf(child);
    signal.throwIfAborted();
    const used = `${Math.ceil(memory.mostBytes() / megabyte)} MiB`;
    if (memory.exceeded()) {
      const limit = `${Math.floor(memoryLimitBytes / megabyte)} MiB`;
      throw cannotBeServed(found.reference, `it took ${used} of memory, ${limit} is what a model's process may take`);
    }
    if (late) throw cannotBeServed(found.reference, `it was not measured within ${measureAtMostMs / 1_000} s`);
    if (message?.type === 'measured') return message.plan;
    if (message !== null) {
      const { code, message: text, details } = message.failure;
      throw new CodedError(code, text, { details });
    }
    throw cannotBeServed(found.reference, `the process that loaded it ended (${how}) with ${used} of memory. ${said}`);
  } finally {
    clearTimeout(timer);
    memory.stop();
    signal.removeEventListener('abort', abort);
  }
}

/** What the child told (null: nothing), how it ended, and the last line that it wrote. */
function outcomeOf(child: ChildProcess): Promise<{ message: Measured | null; how: string; said: string }> {
  return new Promise((resolve, reject) => {
    let message: Measured | null = null;
    let written = '';
    child.stderr?.on('data', (bytes: Buffer) => {
      written = `${written}${bytes.toString()}`.slice(-2_000);
    });
    child.once('message', (told: Measured) => {
      message = told;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const said = written.trimEnd().split('\n').at(-1) ?? '';
      resolve({ message, how: signal ?? `code ${String(code)}`, said });
    });
  });
}

/** Reads a child's resident memory again and again, and ends the child when it is more than it may be. Linux only: elsewhere time alone bounds it. */
function watchMemory(child: ChildProcess, limitBytes: number) {
  let most = 0;
  let exceeded = false;
  const timer = setInterval(() => {
    most = Math.max(most, residentBytes(child.pid ?? -1));
    if (most <= limitBytes || exceeded) return;
    exceeded = true;
    child.kill('SIGKILL');
  }, sampleEveryMs);
  return { mostBytes: () => most, exceeded: () => exceeded, stop: () => clearInterval(timer) };
}

/** 0 for a process that is gone, and where there is no /proc. */
function residentBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

function cannotBeServed({ model, modelVersion }: ModelReference, why: string): CodedError {
  return new CodedError(
    'MODEL_INVALID',
    `Model ${model} version ${modelVersion} cannot be served: ${why}. Look at the training run that wrote it, or give the server more memory.`,
  );
}
