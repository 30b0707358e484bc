import type { DataFrame } from 'danfojs-node';
import type { DataSlice } from '../domain/snapshot.ts';
import { type FrameOptions, frame as frameOf } from '../stores/frame.ts';
import { currentDataFolder } from './data-folder.ts';

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
