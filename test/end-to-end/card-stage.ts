import { fileURLToPath } from 'node:url';
import type { ModelCard } from '../../domain/model-card.ts';
import type { CommandResult } from '../support/cli.ts';
import { perduraHere } from '../support/cli-here.ts';
import { removeFolders } from '../support/embedded.ts';
import { pythonWith } from '../support/python.ts';
import { type PunctualInput, writeCardProject } from './card-project.ts';
import { addFlights, cutFlights } from './flights.ts';
import { openStage, sealed, type Stage, type Started, startRun } from './harness.ts';

/** A stage on which two versions were trained: the champion by the built-in trainer, a challenger on thin evidence by a program. */
export type CardStage = Stage & {
  readonly dense: Started;
  readonly program: Started;
  perdura(...words: readonly string[]): Promise<CommandResult>;
  /** What a command that must succeed prints. */
  printed(...words: readonly string[]): Promise<string>;
  card(name: string): Promise<ModelCard>;
};

export async function openCardStage(): Promise<CardStage> {
  const stage = await openStage(writeCardProject);
  const close = async () => {
    await stage.close();
    await removeFolders();
  };
  try {
    const data = await addFlights(stage, await cutFlights(stage.projectFolder, 1, 20_000));
    const run = async (input: Omit<PunctualInput, 'data'>) => {
      const started = await startRun(stage, 'punctual', `punctual/${input.trainer}`, { data, ...input });
      const status = await sealed(stage, started);
      if (status !== 'COMPLETED') throw new Error(`${started.key.workflowId} ended as ${status}.`);
      return started;
    };
    const dense = await run({ trainer: 'dense', epochs: 3 });
    const program = await run({ trainer: 'program', epochs: 1 });
    return { ...stage, ...commandsOf(stage), dense, program, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function commandsOf({ projectFolder, homeFolder }: Stage): Pick<CardStage, 'perdura' | 'printed' | 'card'> {
  const perdura = (...words: readonly string[]) =>
    perduraHere(words, { folder: projectFolder, environment: { PERDURA_HOME: homeFolder } });
  const printed = async (...words: readonly string[]) => {
    const { exitCode, stdout, stderr } = await perdura(...words);
    if (exitCode !== 0) throw new Error(`perdura ${words.join(' ')} ended with ${exitCode}: ${stderr}`);
    return stdout;
  };
  return {
    perdura,
    printed,
    card: async (name) => JSON.parse(await printed('models', 'card', name, '--json')) as ModelCard,
  };
}

/** The path of a Python that has the packages of `test/support/requirements/<name>.txt`. */
export function pythonFor(name: string): Promise<string> {
  return pythonWith(fileURLToPath(new URL(`../support/requirements/${name}.txt`, import.meta.url)));
}
