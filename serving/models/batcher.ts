import { CodedError } from '../../domain/errors.ts';
import type { EncodedRows } from '../../domain/features.ts';
import { joinRows } from './chunks.ts';
import type { ModelRun } from './loaded-model.ts';
import type { Batching } from './model-plan.ts';

/** Lets several callers share one run of a model. */
export type Batcher = {
  /** @throws CodedError OVERLOADED when too many rows wait already; what the model throws for these very rows. */
  run(rows: EncodedRows): Promise<ModelRun>;
  /** Rows that wait for a run. */
  waiting(): number;
};

export type BatcherOptions = Batching & {
  /** Rows that may wait; a caller beyond them is refused. 8,192 unless given. */
  readonly waitingRows?: number;
  /** Told of each run: its rows, those that wait behind it, and how long it took. */
  readonly onRun?: (run: { readonly rows: number; readonly waiting: number; readonly seconds: number }) => void;
};

type Caller = {
  readonly rows: EncodedRows;
  readonly resolve: (run: ModelRun) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Makes a batcher over a model's run. One run is under way at a time; what arrives meanwhile goes into the next, up to `rows` rows. The first
 * caller waits for others only while callers do come together: after a run that had one caller alone, the next starts in the same turn.
 */
export function createBatcher(run: (rows: EncodedRows) => Promise<ModelRun>, options: BatcherOptions): Batcher {
  const { rows: limit, waitMs, waitingRows = 8_192, onRun } = options;
  let queue: Caller[] = [];
  let queued = 0;
  let running = false;
  let immediate = false;
  let timer: NodeJS.Timeout | null = null;
  let together = false;

  const soon = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (immediate) return;
    immediate = true;
    setImmediate(start);
  };
  const arrived = (): void => {
    if (running || immediate) return;
    if (waitMs === 0 || !together || queued >= limit) soon();
    else timer ??= setTimeout(soon, waitMs);
  };
  const start = (): void => {
    immediate = false;
    if (running || queue.length === 0) return;
    const callers = take();
    together = callers.length > 1;
    running = true;
    void answer(callers).then(() => {
      running = false;
      if (queue.length > 0) soon();
    });
  };
  const take = (): Caller[] => {
    let rows = 0;
    let count = 0;
    for (const caller of queue) {
      if (count > 0 && rows + caller.rows.rows > limit) break;
      rows += caller.rows.rows;
      count += 1;
    }
    queued -= rows;
    if (count === queue.length) {
      const all = queue;
      queue = [];
      return all;
    }
    return queue.splice(0, count);
  };
  /** Never rejects: what goes wrong is told to the callers. */
  const answer = async (callers: readonly Caller[]): Promise<void> => {
    const [first] = callers;
    if (callers.length === 1 && first !== undefined) return answerOne(first);
    const parts = callers.map((caller) => caller.rows);
    let joint: ModelRun;
    try {
      joint = await timed(joinRows(parts));
    } catch {
      // Whose rows it was is not known: each is asked by itself, so that only that one fails.
      for (const caller of callers) await answerOne(caller);
      return;
    }
    share(callers, joint);
  };
  const answerOne = async (caller: Caller): Promise<void> => {
    try {
      caller.resolve(await timed(caller.rows));
    } catch (error) {
      caller.reject(error);
    }
  };
  const timed = async (rows: EncodedRows): Promise<ModelRun> => {
    const done = await run(rows);
    onRun?.({ rows: rows.rows, waiting: queued, seconds: done.computeMs / 1_000 });
    return done;
  };
  return {
    waiting: () => queued,
    run(rows) {
      if (queue.length > 0 && queued + rows.rows > waitingRows) return Promise.reject(overloaded(queued));
      return new Promise<ModelRun>((resolve, reject) => {
        queue.push({ rows, resolve, reject });
        queued += rows.rows;
        arrived();
      });
    },
  };
}

/** Copies, not views: a caller that hands its buffer on must not hand its neighbours' answers on. */
function share(callers: readonly Caller[], joint: ModelRun): void {
  const rows = callers.reduce((sum, caller) => sum + caller.rows.rows, 0);
  const width = joint.outputs.length / rows;
  let at = 0;
  for (const caller of callers) {
    const length = caller.rows.rows * width;
    const computeMs = (joint.computeMs * caller.rows.rows) / rows;
    caller.resolve({ outputs: joint.outputs.slice(at, at + length), computeMs });
    at += length;
  }
}

function overloaded(rows: number): CodedError {
  return new CodedError('OVERLOADED', `${rows} rows wait for the model, which is the limit. Send again later.`);
}
