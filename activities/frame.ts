import type { DataFrame } from 'danfojs-node';
import { join } from 'node:path';
import type { DataSlice, SnapshotReference } from '../domain/snapshot.ts';
import { addArrival } from '../stores/datasets.ts';
import { type FrameOptions, frame as frameOf } from '../stores/frame.ts';
import { type FrameContent, writeFrame } from '../stores/save-frame.ts';
import { currentCall, currentRun } from './caller.ts';
import { currentDataFolder } from './data-folder.ts';
import { createSnapshot } from './data/create-snapshot.ts';
import { inWorkArea } from './data/work-area.ts';
import { currentBeat } from './heartbeat.ts';

/**
 * A slice of data as a danfojs DataFrame, for small tables in a project's own activities; see stores/frame.ts for what becomes of missing
 * values and how large a frame may be. danfojs-node is an optional peer, loaded when this is called.
 *
 * @throws CodedError INPUT_INVALID outside an activity, without danfojs-node, or for columns and fills that do not fit.
 * @example
 * import { frame } from 'perdura/frame';
 * export async function meanDelay(data: DataSlice): Promise<number> {
 *   const flights = await frame(data, { columns: ['delay'], sample: 50_000 });
 *   return flights.column('delay').mean();
 * }
 */
export async function frame(data: DataSlice, options: FrameOptions = {}): Promise<DataFrame> {
  const { store, cacheFolder } = currentDataFolder();
  return frameOf(store, cacheFolder, data, options);
}

/**
 * Makes a frame a snapshot: its rows arrive as `<name>.parquet` of the dataset and are sealed; the branch `latest` of the dataset moves to
 * it. The same rows under the same name are the same snapshot, so an activity that is repeated changes nothing. See stores/save-frame.ts
 * for what becomes of the values.
 *
 * @throws CodedError INPUT_INVALID outside an activity, for a name that does not serve, or for values that have no column type.
 * @example
 * const means = flights.groupby(['origin']).col(['delay']).mean();
 * const snapshot = await saveFrame(means, { dataset: 'delays', name: '2001-03' });
 */
export async function saveFrame(
  frameToSave: FrameContent,
  { dataset, name }: { readonly dataset: string; readonly name: string },
): Promise<SnapshotReference> {
  const { store, cacheFolder } = currentDataFolder();
  const now = (): string => new Date().toISOString();
  const key = await inWorkArea(cacheFolder, async ({ folder }) => {
    const path = join(folder, 'frame.parquet');
    await writeFrame(frameToSave, path);
    return (await addArrival(store, dataset, { path, name: `${name}.parquet`, addedAt: now() })).key;
  });
  const heartbeat = (note: string): void => currentBeat().note(note);
  return createSnapshot(
    { store, cacheFolder, heartbeat, now, who: currentRun, callId: currentCall },
    { dataset, from: key },
  );
}
