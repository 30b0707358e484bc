import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CodedError } from '../../domain/errors.ts';
import { writeWholeFile } from '../../stores/local-files.ts';
import type { Epochs, StoredEndpoint } from './stored-endpoint.ts';

/** What this machine served last, signatures included, and how far it was: what a start without S3 goes by. */
export type LocalEndpoints = {
  all(): Promise<readonly LocalEndpoint[]>;
  /** The highest epochs that were in force here; zeros for an endpoint that was not. */
  epochs(endpoint: string): Promise<Epochs>;
  /** Keeps the endpoint, unless another server of this machine is further. */
  write(endpoint: string, stored: StoredEndpoint): Promise<void>;
};

export type LocalEndpoint = { readonly endpoint: string; readonly stored: StoredEndpoint; readonly epochs: Epochs };

const none: Epochs = { route: 0, policy: 0 };
const fileOf = (endpoint: string): string => `${endpoint}.json`;
/** What is used before a signature says that the rest is as it was written. */
const shape = z.object({
  endpoint: z.string(),
  epochs: z.object({ route: z.number(), policy: z.number() }),
  stored: z.object({
    route: z.object({ route: z.object({ epoch: z.number() }), etag: z.string() }),
    policy: z.object({ policy: z.object({ epoch: z.number() }), etag: z.string() }).nullable(),
  }),
});
const isWhole = (found: unknown): found is LocalEndpoint => shape.safeParse(found).success;

/** Keeps them as one JSON file an endpoint; written whole or not at all. Files that cannot be read are `report`ed and count as absent. */
export function createLocalEndpoints(folder: string, report: (line: string) => void): LocalEndpoints {
  const read = async (name: string): Promise<LocalEndpoint | null> => {
    try {
      const found = JSON.parse(await readFile(join(folder, name), 'utf8')) as unknown;
      if (isWhole(found) && name === fileOf(found.endpoint)) return found;
      throw new CodedError('DATA_UNREADABLE', 'it is not what this server writes there, and is left aside.');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        report(`Local copy ${join(folder, name)}: ${String(error)}`);
      return null;
    }
  };
  return {
    async all() {
      const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') report(`Local copies in ${folder}: ${String(error)}`);
        return [];
      });
      const found = await Promise.all(names.filter((name) => name.endsWith('.json')).map(read));
      return found.flatMap((each) => each ?? []);
    },
    epochs: async (endpoint) => (await read(fileOf(endpoint)))?.epochs ?? none,
    async write(endpoint, stored) {
      const before = (await read(fileOf(endpoint)))?.epochs ?? none;
      const epochs: Epochs = { route: stored.route.route.epoch, policy: stored.policy?.policy.epoch ?? 0 };
      if (epochs.route < before.route || epochs.policy < before.policy) return;
      const local: LocalEndpoint = { endpoint, stored, epochs };
      await writeWholeFile(join(folder, fileOf(endpoint)), [new TextEncoder().encode(JSON.stringify(local))]);
    },
  };
}
