import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Route } from '../../domain/route.ts';
import { writeWholeFile } from '../../stores/local-files.ts';

/** The routes that this machine served last: what a start without S3 goes by. */
export type LocalRoutes = {
  all(): Promise<readonly { readonly route: Route; readonly etag: string }[]>;
  write(found: { readonly route: Route; readonly etag: string }): Promise<void>;
};

/** Keeps them as one JSON file an endpoint; written whole or not at all. */
export function createLocalRoutes(folder: string): LocalRoutes {
  return {
    async all() {
      const names = await readdir(folder).catch(() => []);
      const texts = names.filter((name) => name.endsWith('.json')).map((name) => readFile(join(folder, name), 'utf8'));
      return (await Promise.all(texts)).map((text) => JSON.parse(text) as { route: Route; etag: string });
    },
    async write(found) {
      const bytes = new TextEncoder().encode(JSON.stringify(found));
      await writeWholeFile(join(folder, `${found.route.endpoint}.json`), [bytes]);
    },
  };
}
