import { addArrival } from '../stores/datasets.ts';
import { type Month, monthFile } from './months.ts';
import { type Scene, dataset } from './scene.ts';

/** A month's file arrives in the bucket; gives the key. */
export async function monthArrives(scene: Scene, month: Month): Promise<string> {
  const arrival = await addArrival(scene.store, dataset, {
    path: monthFile(scene.dataFolder, month),
    name: `flights-${month}.parquet`,
    addedAt: new Date().toISOString(),
  });
  scene.say(
    `  ${arrival.key} arrived (${(arrival.sizeBytes / 1e6).toFixed(1)} MB, version ${arrival.s3VersionId.slice(0, 12)})`,
  );
  return arrival.key;
}
