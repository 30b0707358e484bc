import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProgramJob } from '../../domain/program-job.ts';
import { removeFolder } from '../../stores/local-files.ts';
import type { TrainingJob } from '../training-job.ts';

/** The files and folders of one attempt; all but the checkpoints lie in `folder`, which goes with it. */
export type WorkFolder = {
  readonly folder: string;
  /** The program's current folder: empty. */
  readonly current: string;
  readonly jobFile: string;
  readonly training: string;
  readonly check: string;
  readonly output: string;
  readonly temporary: string;
  readonly checkpoints: string;
};

/** Where a program of this job works: beside its output, so that files are moved, not copied. */
export function programWorkFolder(job: Pick<TrainingJob, 'outputFolder'>): string {
  return `${job.outputFolder}-work`;
}

/** Makes the folders anew. */
export async function makeWorkFolder(job: Pick<TrainingJob, 'outputFolder' | 'checkpointFolder'>): Promise<WorkFolder> {
  const folder = programWorkFolder(job);
  await removeFolder(folder);
  const work = {
    folder,
    current: join(folder, 'work'),
    jobFile: join(folder, 'job.json'),
    training: join(folder, 'training.parquet'),
    check: join(folder, 'check.parquet'),
    output: join(folder, 'output'),
    temporary: join(folder, 'tmp'),
    checkpoints: job.checkpointFolder,
  };
  for (const path of [work.current, work.output, work.temporary, work.checkpoints])
    await mkdir(path, { recursive: true });
  return work;
}

/** Writes what the program is told. */
export async function writeJob(work: WorkFolder, job: ProgramJob): Promise<void> {
  await writeFile(work.jobFile, JSON.stringify(job, null, 2));
}
