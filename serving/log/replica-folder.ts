import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { broughtEnding, openEnding, type Segment, segmentOfFile } from './segment.ts';
import { keyFolder, keysEnding } from './subject-keys.ts';
import { isRunning, processEnding, readProcess } from './writer-process.ts';

/** `open`: its process may still append; `closed`: its lines are complete; `brought`: its rows are in the bucket. */
export type SegmentState = 'open' | 'closed' | 'brought';

/** A segment as it was found, `file` with the ending that it has now. `process` says who wrote it: `<folder>/<startId>`. */
export type FoundSegment = {
  readonly segment: Segment;
  readonly file: string;
  readonly state: SegmentState;
  readonly process: string;
};

/** A process that said that it writes there. `file` stands until it ended as it should, or the collector has taken all over. */
export type FoundProcess = { readonly process: string; readonly file: string; readonly running: boolean };

/** A file of new keys; its process writes it whole. */
export type FoundKeys = { readonly process: string; readonly file: string };

export type ReplicaFolder = {
  readonly segments: readonly FoundSegment[];
  readonly processes: readonly FoundProcess[];
  readonly keys: readonly FoundKeys[];
  /** Writers' folders with nothing in them. */
  readonly emptied: readonly string[];
};

/** Says what lies in the folder of a replica: in its writers' folders, and beside them what servers of one process left there. */
export async function lookAtReplica(folder: string): Promise<ReplicaFolder> {
  const entries = await readdir(folder, { withFileTypes: true });
  const writers = entries.filter((entry) => entry.isDirectory() && entry.name !== 'tmp').map(({ name }) => name);
  const found = await Promise.all(['', ...writers].map((writer) => lookAtWriter(join(folder, writer))));
  return {
    segments: found.flatMap(({ segments }) => segments),
    processes: found.flatMap(({ processes }) => processes),
    keys: found.flatMap(({ keys }) => keys),
    emptied: found.slice(1).flatMap(({ emptied }) => emptied),
  };
}

async function lookAtWriter(folder: string): Promise<ReplicaFolder> {
  const names = await namesIn(folder);
  const processes = names
    .filter((name) => name.endsWith(processEnding))
    .flatMap((name) => foundProcess(folder, name) ?? []);
  const keyNames = names.includes(keyFolder) ? await namesIn(join(folder, keyFolder)) : [];
  return {
    segments: names.flatMap((name) => foundSegment(folder, name) ?? []),
    processes,
    keys: keyNames
      .filter((name) => name.endsWith(keysEnding))
      .map((name) => ({
        process: join(folder, name.slice(0, name.lastIndexOf('-'))),
        file: join(folder, keyFolder, name),
      })),
    emptied: names.every((name) => name === keyFolder) && keyNames.length === 0 ? [folder] : [],
  };
}

/** None in a folder that its owner has removed by now. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function foundProcess(folder: string, name: string): FoundProcess | null {
  const file = join(folder, name);
  const said = readProcess(file);
  const process = join(folder, name.slice(0, -processEnding.length));
  return said === null ? null : { process, file, running: isRunning(said) };
}

function foundSegment(folder: string, name: string): FoundSegment | null {
  const segment = segmentOfFile(folder, name);
  if (segment === null) return null;
  const state = name.endsWith(openEnding) ? 'open' : name.endsWith(broughtEnding) ? 'brought' : 'closed';
  // `<replica>-<writer>-<startId>-<sequence>`: of these only replica and writer may hold a hyphen.
  const [, startId = ''] = /-([^/-]+)-\d+\.parquet$/.exec(segment.key) ?? [];
  return { segment, file: join(folder, name), state, process: join(folder, startId) };
}
