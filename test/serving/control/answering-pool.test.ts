import { openPolicy } from '../../../domain/endpoint-policy.ts';
import type { PreparedEndpoint } from '../../../serving/prepared-endpoint.ts';
import { until } from '../harness.ts';
import { ask, openPool, type Pool, ready } from './pool-stage.ts';

const atMostMs = 15_000;

let open: Pool;

afterEach(() => open.close(), atMostMs);

function endpointAt(epoch: number, why = 'load'): PreparedEndpoint {
  const at = '2026-01-01T00:00:00.000Z';
  const route = {
    endpoint: 'flights',
    epoch,
    changeId: `change-${epoch}`,
    arms: [],
    shadows: [],
    at,
    who: 'test',
    why,
  };
  return { route, policy: openPolicy('flights'), arms: [], shadows: [] };
}

/** The epochs that the processes answer by, each asked at least once. */
async function epochsIn(at: Pool): Promise<ReadonlySet<number>> {
  const seen = new Map<number, number>();
  const all = (): boolean => ready(at).length === 2 && ready(at).every(({ pid }) => seen.has(pid));
  await until('both processes answered', async () => {
    const { pid, epochs } = await ask(at.httpPort);
    seen.set(pid, epochs['flights'] ?? 0);
    return all();
  });
  return new Set(ready(at).flatMap(({ pid }) => seen.get(pid) ?? []));
}

test(
  'a switch is in force in all processes, or in none when one refuses it',
  async () => {
    open = await openPool();
    await open.put(endpointAt(1));
    expect(await epochsIn(open)).toEqual(new Set([1]));
    await expect(open.put(endpointAt(2, 'refuse-a2'))).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    expect(await epochsIn(open)).toEqual(new Set([1]));
    await open.put(endpointAt(3));
    expect(await epochsIn(open)).toEqual(new Set([3]));
  },
  atMostMs,
);

test(
  'a process that dies of a package takes no other with it, and another with what was in force takes its place',
  async () => {
    open = await openPool();
    await open.put(endpointAt(1));
    await expect(open.put(endpointAt(2, 'die-a1'))).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    await until('two processes again', () => ready(open).length === 2);
    expect(await epochsIn(open)).toEqual(new Set([1]));
    expect(
      ready(open)
        .map(({ writer }) => writer)
        .toSorted(),
    ).toEqual(['a2', 'a3']);
    expect(open.replaced).toEqual(['died']);
  },
  atMostMs,
);

test(
  'a process that dies as it applies a switch is started again with the new one',
  async () => {
    open = await openPool();
    await open.put(endpointAt(1));
    await open.put(endpointAt(2, 'die-applying-a2'));
    await until('two processes again', () => ready(open).length === 2);
    expect(await epochsIn(open)).toEqual(new Set([2]));
  },
  atMostMs,
);

test(
  'a process that is started while a switch is under way does not miss it',
  async () => {
    open = await openPool();
    await open.put(endpointAt(1));
    const [first] = ready(open);
    first?.kill();
    await first?.ended;
    await open.put(endpointAt(2));
    await until('two processes again', () => ready(open).length === 2);
    expect(await epochsIn(open)).toEqual(new Set([2]));
  },
  atMostMs,
);

test(
  'a process that answers nothing any more is killed when it is asked how it fares, and holds up no switch for longer',
  async () => {
    open = await openPool({ answerWithinMs: 1_000 });
    const [stuck] = ready(open);
    if (stuck === undefined) throw new Error('No process is ready.');
    process.kill(stuck.pid, 'SIGSTOP');
    await Promise.all([
      expect(stuck.report()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' }),
      expect(open.put(endpointAt(1))).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' }),
    ]);
    expect(await stuck.ended).toMatchObject({ silent: true, signal: 'SIGKILL' });
    await until('two processes again', () => ready(open).length === 2);
    await open.put(endpointAt(2));
    expect(await epochsIn(open)).toEqual(new Set([2]));
  },
  atMostMs,
);

test(
  'a process that loaded many packages gives its place to a new one, one at a time, and the port stays open',
  async () => {
    open = await openPool({ recycleAfterLoads: 2 });
    await open.put(endpointAt(1));
    await open.put(endpointAt(2));
    const old = ready(open).map(({ pid }) => pid);
    const fewest = { ready: 2 };
    for (const recycled of [1, 2]) {
      await Promise.all(ready(open).map((process) => process.report()));
      await until(`${recycled} were recycled`, async () => {
        // As often as it is asked: one at a time, until the one before is gone.
        if (open.replaced.length < recycled) open.pool.recycle();
        expect((await ask(open.httpPort)).epochs).toEqual({ flights: 2 });
        fewest.ready = Math.min(fewest.ready, ready(open).length);
        return open.replaced.length === recycled && ready(open).length === 2;
      });
    }
    expect(open.replaced).toEqual(['recycled', 'recycled']);
    expect(fewest.ready).toBe(2);
    // One on its way out is never told of as one that answers: who would kill the others then would close the port.
    expect(open.readyThen).toEqual([1, 2, 2, 2]);
    expect(ready(open).filter(({ pid }) => old.includes(pid))).toEqual([]);
  },
  // Each that is replaced keeps idle connections for some seconds.
  4 * atMostMs,
);

test(
  'a process that dies while the one before it still drains is replaced like any other',
  async () => {
    open = await openPool({ recycleAfterLoads: 1 });
    await open.put(endpointAt(1, 'drain-slowly'));
    await Promise.all(ready(open).map((process) => process.report()));
    open.pool.recycle();
    await until('one was recycled', () => open.replaced.length === 1);
    expect(open.pool.living().map((process) => process.state())).toContain('draining');
    const youngest = ready(open).find(({ writer }) => writer === 'a3');
    youngest?.kill();
    await youngest?.ended;
    await until('two processes again', () => ready(open).length === 2);
    expect(open.replaced).toEqual(['recycled', 'died']);
    expect(await epochsIn(open)).toEqual(new Set([1]));
  },
  atMostMs,
);

test(
  'a process that dies while its successor could not start, and packages are brought back, is replaced once',
  async () => {
    const waiting: (() => void)[] = [];
    const restore = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
    open = await openPool({ recycleAfterLoads: 1, restore });
    await open.put(endpointAt(1));
    await Promise.all(ready(open).map((process) => process.report()));
    const [old] = ready(open);
    open.pool.recycle();
    open.pool
      .living()
      .find((process) => process.state() === 'starting')
      ?.kill();
    await until('packages are brought back', () => waiting.length > 0);
    old?.kill();
    await old?.ended;
    // Whoever waits goes on, and so does whoever asks then.
    await until('two processes again', () => {
      for (const goOn of waiting.splice(0)) goOn();
      return ready(open).length === 2;
    });
    expect(open.pool.living()).toHaveLength(2);
    expect(open.replaced).toEqual(['died']);
  },
  atMostMs,
);

test(
  'a process that dies at once again and again is started with growing pauses',
  async () => {
    open = await openPool();
    const deaths = async (times: number): Promise<number> => {
      const started = performance.now();
      for (let time = 0; time < times; time += 1) {
        await until('two processes', () => ready(open).length === 2);
        const [youngest] = ready(open).toSorted((a, b) => b.pid - a.pid);
        youngest?.kill();
        await youngest?.ended;
      }
      return performance.now() - started;
    };
    await deaths(5);
    // 0 + 100 + 200 + 400 + 800 ms before the sixth start, whatever the starts themselves take.
    expect(open.replaced.length).toBeLessThanOrEqual(5);
    const started = performance.now();
    await until('two processes again', () => ready(open).length === 2);
    expect(performance.now() - started).toBeGreaterThan(300);
  },
  atMostMs,
);
