import { isBuiltin } from 'node:module';
import { pathToFileURL } from 'node:url';

import type { Plugin } from 'rolldown';

/** Where something was imported: `importer` is the file, null for the entry. */
export type ImportSite = { readonly id: string; readonly importer: string | null };

/** Leaves every package and built-in as a bare import. For builds that are only looked at. */
export function packagesStayOutside(): Plugin {
  return {
    name: 'packages-stay-outside',
    resolveId: (id, importer) => (importer !== undefined && isPackage(id) ? { id, external: true } : null),
  };
}

/**
 * Leaves every package outside and imports it by the file URL that it has from the importer: so the built module finds the
 * project's packages from any folder, and gets the very instance that other code of the process has.
 */
export function packagesByUrl(): Plugin {
  return {
    name: 'packages-by-url',
    async resolveId(id, importer) {
      if (importer === undefined || !isPackage(id)) return null;
      if (isBuiltin(id)) return { id, external: true };
      const found = await this.resolve(id, importer, { skipSelf: true });
      if (found !== null) return { id: pathToFileURL(found.id).href, external: 'absolute' };
      const own = ownModule(id);
      // Node's own error at import names the package; nothing is gained by failing here in other words.
      return own === null ? { id, external: true } : { id: own, external: 'absolute' };
    },
  };
}

/** A schema.ts in a folder without packages, as in the CI of a repository of data, still finds the words of the version that reads it. */
function ownModule(id: string): string | null {
  return id.startsWith('perdura/') ? import.meta.resolve(id) : null;
}

/** Bundles packages and notes what cannot travel: built-ins of Node, and packages that are not there. */
export function packagesInside(strangers: ImportSite[]): Plugin {
  return {
    name: 'packages-inside',
    async resolveId(id, importer) {
      if (importer === undefined || !isPackage(id)) return null;
      const found = isBuiltin(id) ? null : await this.resolve(id, importer, { skipSelf: true });
      if (found !== null && !found.external) return found;
      strangers.push({ id, importer });
      return { id, external: true };
    },
  };
}

/** Whether an import names a package or a built-in, not a file beside it. */
function isPackage(id: string): boolean {
  return !/^(?:[./\0]|[a-z]:[\\/]|file:|data:)/i.test(id);
}
