import { join } from 'node:path';
import type { ServiceAddresses } from '../../domain/config.ts';
import { startS3 } from '../../services/start.ts';
import { embeddedConfig, removeFolders, temporaryFolder } from './embedded.ts';
import { freshBucket } from './test-s3.ts';

/** An S3 server of one test file that can go away and come back with the same port, keys and objects; its disk may be spoiled. */
export type RestartableS3 = {
  readonly s3: ServiceAddresses['s3'];
  /** Holds the newest version of each key of the bucket as a plain file. */
  readonly dataFolder: string;
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
};

/** Starts the embedded S3 server on a home folder of its own. */
export async function restartableS3(): Promise<RestartableS3> {
  const homeFolder = temporaryFolder();
  const config = embeddedConfig(homeFolder);
  const start = () => startS3(config, { onProgress: () => undefined });
  let running = await start();
  const s3 = { ...running.address, bucket: freshBucket() };
  return {
    s3,
    dataFolder: join(homeFolder, 's3', 'data', s3.bucket),
    down: () => running.kill(),
    async up() {
      running = await start();
    },
    async stop() {
      await running.stop();
      await removeFolders();
    },
  };
}
