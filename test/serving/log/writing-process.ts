import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process that logs each id it is sent, and answers it 15 ms later, so that a kill always leaves some that are logged and not answered. */
export type WritingProcess = {
  /** Resolves with the answer; never where the process is killed before. */
  ask(requestId: string): Promise<void>;
  kill(): Promise<void>;
};

const writerModule = new URL('../../../dist/serving/log/open-log-writer.js', import.meta.url).href;
const policyModule = new URL('../../../dist/domain/endpoint-policy.js', import.meta.url).href;

const script = `
  const { openLogWriter } = await import(${JSON.stringify(writerModule)});
  const { openPolicy } = await import(${JSON.stringify(policyModule)});
  const [folder, writer, flushEveryMs] = process.argv.slice(1);
  const log = openLogWriter({ folder, replica: 'one', writer, flushEveryMs: Number(flushEveryMs) });
  const policy = openPolicy('flights');
  const row = { subject: 's', endpoint: 'flights', epoch: 1, arm: 'champion', model: 'm', modelVersion: '1', shadow: false, status: 200,
    error: null, latencyMs: 1, output: 0.5, record: null, features: {}, answer: null, confidence: null, computeMs: 1, cost: null, caller: writer };
  process.on('disconnect', () => process.exit(1));
  process.on('message', async (requestId) => {
    await log.append(policy, [{ ...row, requestId }]);
    setTimeout(() => process.send(requestId), 15);
  });
  process.send('ready');
`;

/** Starts it; it ends with this process. */
export async function startWriting(folder: string, writer: string, flushEveryMs: number): Promise<WritingProcess> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--input-type=module', '--eval', script, folder, writer, String(flushEveryMs)],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: {} },
  );
  await once(child, 'message');
  const waiting = new Map<unknown, () => void>();
  child.on('message', (requestId) => waiting.get(requestId)?.());
  const exited = once(child, 'exit');
  return {
    ask: (requestId) =>
      new Promise((resolve) => {
        waiting.set(requestId, resolve);
        // A process that is gone takes nothing; its client repeats.
        child.send(requestId, () => undefined);
      }),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
