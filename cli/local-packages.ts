import { join } from 'node:path';

import type { Config } from '../domain/config.ts';
import type { LocalPackages } from '../stores/packages.ts';
import { trustedKeys } from '../stores/signing/trusted-keys.ts';

/** Where packages lie on this machine, and whose signatures count here, as the configuration has it. */
export function localPackages(config: Config): LocalPackages {
  const keysFolder = join(config.homeFolder, 'keys');
  return {
    folder: join(config.homeFolder, 'packages'),
    trusted: trustedKeys({ keysFolder, files: config.trustedKeys }),
  };
}
