import { CodedError } from '../../domain/errors.ts';
import type { LoadedModel } from './loaded-model.ts';
import type { PreparedModel } from './model-plan.ts';
import { type OnRun, openModel } from './open-model.ts';

/** Loaded packages, each once however many routes use it. */
export type Sessions = {
  /** Loads a package, or counts one more user of it. Each acquire that succeeds wants one release. @throws CodedError those of `openModel`. */
  acquire(prepared: PreparedModel): Promise<LoadedModel>;
  /** Counts one user less; the last one frees the native session (ONNX Runtime does not free it by itself). @throws CodedError NOT_FOUND. */
  release(prepared: PreparedModel): Promise<void>;
  /** How many packages are loaded. */
  size(): number;
  /** Packages loaded since the start, also those that were freed again or did not load: each leaves memory behind. */
  loads(): number;
};

type Entry = { readonly model: Promise<LoadedModel>; users: number };

/** Nothing is loaded before the first `acquire`. `onRun` is told of each run in this process. */
export function createSessions(onRun: OnRun | null = null): Sessions {
  const entries = new Map<string, Entry>();
  let loads = 0;
  const open = (prepared: PreparedModel): Entry => {
    loads += 1;
    return { model: openModel(prepared, onRun), users: 0 };
  };
  return {
    async acquire(prepared) {
      const key = keyOf(prepared);
      const entry = entries.get(key) ?? open(prepared);
      entries.set(key, entry);
      entry.users += 1;
      try {
        return await entry.model;
      } catch (error) {
        if (entries.get(key) === entry) entries.delete(key);
        throw error;
      }
    },
    async release(prepared) {
      const key = keyOf(prepared);
      const entry = entries.get(key);
      if (entry === undefined) {
        throw new CodedError(
          'NOT_FOUND',
          `No session of ${key} to release: it was released more often than acquired. Count its users.`,
        );
      }
      entry.users -= 1;
      if (entry.users > 0) return;
      entries.delete(key);
      await (await entry.model).close();
    },
    size: () => entries.size,
    loads: () => loads,
  };
}

/** A package that moved to another host is another entry: the old one's socket goes away with the old host. */
function keyOf({ reference, socket }: PreparedModel): string {
  return `${reference.model}/${reference.modelVersion}@${reference.packageDigest}${socket === null ? '' : ` at ${socket}`}`;
}
