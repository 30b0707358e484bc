import { join } from 'node:path';
import type { ModelReference } from '../../domain/model-package.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { downloadPackage } from '../../stores/packages.ts';
import type { TrustedKeys } from '../../stores/signing/trusted-keys.ts';

/** The packages that this machine holds. One that is whole on the disk needs no bucket. */
export type PackagesOnDisk = {
  /** Brings a package onto this machine, checked, and names its folder. @throws CodedError PACKAGE_ALTERED, PACKAGE_UNSIGNED, SERVICE_UNAVAILABLE. */
  fetch(reference: ModelReference): Promise<string>;
  /** The same for one that is in force: somebody may have cleared the disk since. Where it cannot be had, that is reported. */
  restore(reference: ModelReference): Promise<void>;
};

/** `folder`: of all packages, `<home>/packages`. */
export function createPackagesOnDisk(options: {
  readonly store: ObjectStore;
  readonly folder: string;
  readonly trusted: TrustedKeys;
  readonly report: (line: string) => void;
}): PackagesOnDisk {
  const { store, folder, trusted, report } = options;
  const fetch = (reference: ModelReference): Promise<string> => downloadPackage(store, reference, { folder, trusted });
  return {
    fetch,
    async restore(reference) {
      try {
        await fetch(reference);
      } catch (error) {
        const { model, modelVersion } = reference;
        const below = join(folder, model, modelVersion);
        report(`${model} version ${modelVersion} is not whole below ${below}: ${(error as Error).message}`);
      }
    },
  };
}
