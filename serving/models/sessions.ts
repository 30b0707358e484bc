import { CodedError } from '../../domain/errors.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { type LoadedModel, loadModel } from './load-model.ts';

/** Loaded packages, each once however many routes use it. */
export type Sessions = {
  /** Loads a package, or counts one more user of it. Each acquire wants one release. */
  acquire(reference: ModelReference): Promise<LoadedModel>;
  /** Counts one user less; the last one frees the native session (ONNX Runtime does not free it by itself). */
  release(reference: ModelReference): Promise<void>;
  /** How many packages are loaded. */
  size(): number;
};

type Entry = { readonly model: Promise<LoadedModel>; users: number };

/** `fetchPackage` brings a package onto this machine, checked, and names its folder. */
export function createSessions(fetchPackage: (reference: ModelReference) => Promise<string>): Sessions {
  const entries = new Map<string, Entry>();
  return {
    async acquire(reference) {
      const key = keyOf(reference);
      const entry = entries.get(key) ?? {
        model: fetchPackage(reference).then((folder) => loadModel(reference, folder)),
        users: 0,
      };
      entries.set(key, entry);
      entry.users += 1;
      try {
        return await entry.model;
      } catch (error) {
        if (entries.get(key) === entry) entries.delete(key);
        throw error;
      }
    },
    async release(reference) {
      const key = keyOf(reference);
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
  };
}

function keyOf(reference: ModelReference): string {
  return `${reference.model}/${reference.modelVersion}@${reference.packageDigest}`;
}
