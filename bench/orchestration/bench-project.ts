import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const activities = `export async function step(value: number): Promise<number> {
  return value + 1;
}
`;

const sequence = `import { activities } from 'perdura/steps';
import type * as own from './activities.ts';

const { step } = activities<typeof own>({ startToCloseTimeout: '1 minute' });

export async function sequence(input: { steps: number }): Promise<number> {
  let value = 0;
  for (let index = 0; index < input.steps; index += 1) value = await step(value);
  return value;
}
`;

const fanOut = `import { activities } from 'perdura/steps';
import type * as own from '../sequence/activities.ts';

const { step } = activities<typeof own>({ startToCloseTimeout: '1 minute' });

export async function fanOut(input: { steps: number }): Promise<number> {
  const values = await Promise.all(Array.from({ length: input.steps }, (_, index) => step(index)));
  return values.length;
}
`;

/** Writes a project as a user would have it, with this checkout as its installed perdura: the same two workflows as bare-workflows.ts. */
export async function writeBenchProject(folder: string, checkout: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  await symlink(checkout, join(folder, 'node_modules', 'perdura'));
  await writeFile(join(folder, 'package.json'), '{ "name": "bench", "type": "module" }\n');
  await writePipeline(join(folder, 'pipelines', 'sequence'), { 'pipeline.ts': sequence, 'activities.ts': activities });
  await writePipeline(join(folder, 'pipelines', 'fan-out'), { 'pipeline.ts': fanOut });
}

async function writePipeline(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}
