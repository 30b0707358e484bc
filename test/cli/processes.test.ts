import { spawn } from 'node:child_process';
import { type Child, keepAlive, withCleanup } from '../../cli/processes.ts';

test('what was started is stopped, the newest first, before the exit code is said', async () => {
  const stopped: string[] = [];
  const exitCode = await withCleanup({ exitCode: 130 }, async ({ add }) => {
    add(async () => void stopped.push('services'));
    add(async () => void stopped.push('worker'));
    return 0;
  });
  expect({ exitCode, stopped }).toEqual({ exitCode: 0, stopped: ['worker', 'services'] });
});

test('an error passes after everything was stopped, also where one of them does not stop', async () => {
  const stopped: string[] = [];
  const work = withCleanup({ exitCode: 0 }, ({ add }) => {
    add(async () => void stopped.push('services'));
    add(() => Promise.reject(new Error('stuck')));
    return Promise.reject(new Error('wrong'));
  });
  await expect(work).rejects.toThrow('wrong');
  expect(stopped).toEqual(['services']);
});

test('a service that dies ends the command', async () => {
  const work = withCleanup({ exitCode: 0 }, ({ failsWith }) => {
    failsWith(Promise.resolve(new Error('Temporal ended')));
    return new Promise(() => undefined);
  });
  await expect(work).rejects.toThrow('Temporal ended');
});

test('SIGTERM stops everything and gives the exit code of an interruption', async () => {
  const told: string[] = [];
  const interruption = {
    exitCode: 130 as const,
    onStopping: () => void told.push('stopping'),
    onInterrupted: () => void told.push('interrupted'),
  };
  const exitCode = await withCleanup(interruption, ({ add, signal }) => {
    add(async () => void told.push(`stopped, aborted ${signal.aborted}`));
    process.emit('SIGTERM');
    return new Promise(() => undefined);
  });
  expect(exitCode).toBe(130);
  expect(told).toEqual(['stopping', 'stopped, aborted true', 'interrupted']);
});

/** A real process that does what the code says. */
function start(code: string): Promise<Child> {
  const child = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill();
    await exited;
  };
  return Promise.resolve({ pid: child.pid ?? 0, exited, stop });
}

test('a child that dies is started again, and what came before is handed on', async () => {
  const lines: string[] = [];
  const before: (number | undefined)[] = [];
  let started: () => void = () => undefined;
  const again = new Promise<void>((resolve) => (started = resolve));
  const kept = await keepAlive<Child>({
    name: 'worker',
    restarts: 5,
    withinMs: 60_000,
    now: () => Date.now(),
    onLine: (line) => void lines.push(line),
    start: async (last) => {
      before.push(last?.pid);
      if (last !== null) started();
      return start(last === null ? 'process.exit(3)' : 'setInterval(() => {}, 1000)');
    },
  });
  await again;
  expect(before).toEqual([undefined, kept.first.pid]);
  expect(lines).toEqual([`The worker (pid ${kept.first.pid}) ended with code 3; starting it again.`]);
  await kept.stop();
});

test('a child that dies for ever is given up', async () => {
  const kept = await keepAlive<Child>({
    name: 'worker',
    restarts: 2,
    withinMs: 60_000,
    now: () => Date.now(),
    onLine: () => undefined,
    start: () => start('process.exit(1)'),
  });
  expect(await kept.gaveUp).toMatch(/ended with code 1, 3 times in a short while\. It is not started again\./);
});
