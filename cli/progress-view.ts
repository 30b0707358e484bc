import { Listr, ListrLogger, PRESET_TIMER, ProcessOutput } from 'listr2';
import pc from 'picocolors';

import type { StepRecord } from '../domain/run.ts';
import { elapsed } from './output.ts';

/** What is known of a run under way: its steps in order, and the notes of activities that run now. */
export type Progress = { readonly steps: readonly StepRecord[]; readonly notes: readonly string[] };

/** Shows a run's progress, as lines or as a live list. */
export type ProgressView = {
  update(progress: Progress): void;
  /** Shows what is left and gives the terminal back. */
  close(): Promise<void>;
};

/**
 * One line for each thing that changed: a step that began, a note, a step that ended. For logs and scripts.
 *
 * @param options.now - milliseconds, for the time since the view was made.
 */
export function plainView(options: {
  readonly write: (line: string) => void;
  readonly now: () => number;
}): ProgressView {
  const began = options.now();
  const said = new Map<number, string>();
  const say = (index: number, text: string) => {
    if (said.get(index) === text) return;
    said.set(index, text);
    options.write(`[${elapsed(options.now() - began).padStart(8)}] ${text}`);
  };
  return {
    update({ steps, notes }) {
      steps.forEach((step, index) => {
        if (step.status !== 'running') return say(index, ended(step));
        const note = currentNote({ steps, notes }, index);
        say(index, note === '' ? `${step.step} …` : `${step.step}: ${note}`);
      });
    },
    close: () => Promise.resolve(),
  };
}

/** A live list for a terminal: one entry a step, with a spinner, its latest note and its time. */
export function terminalView(stream: NodeJS.WriteStream): ProgressView {
  let progress: Progress = { steps: [], notes: [] };
  let closed = false;
  let wake: () => void = () => undefined;
  const changed = () => new Promise<void>((resolve) => (wake = resolve));
  const over = (index: number) => closed || (progress.steps[index]?.status ?? 'running') !== 'running';

  const draw = async (): Promise<void> => {
    for (let index = 0; ; index += 1) {
      while (progress.steps[index] === undefined && !closed) await changed();
      if (progress.steps[index] === undefined) return;
      // Steps under way at once are shown one after the other: two live lists would draw over each other.
      await drawStep(stream, {
        title: () => title(progress.steps[index]),
        note: () => currentNote(progress, index),
        over: () => over(index),
        running: () => progress.steps[index]?.status === 'running',
        failed: () => progress.steps[index]?.status === 'failed',
        changed,
      });
    }
  };
  const drawing = draw();
  return {
    update(next) {
      progress = next;
      wake();
    },
    async close() {
      closed = true;
      wake();
      await drawing;
    },
  };
}

type DrawnStep = {
  readonly title: () => string;
  readonly note: () => string;
  readonly over: () => boolean;
  readonly running: () => boolean;
  readonly failed: () => boolean;
  readonly changed: () => Promise<void>;
};

async function drawStep(stream: NodeJS.WriteStream, step: DrawnStep): Promise<void> {
  const list = new Listr(
    [
      {
        title: step.title(),
        task: async (_, task) => {
          while (!step.over()) {
            task.output = step.note();
            await step.changed();
          }
          task.title = step.title();
          if (step.running()) task.skip(`${step.title()} goes on`);
          if (step.failed()) throw new Error(step.title());
        },
      },
    ],
    {
      renderer: 'default',
      exitOnError: false,
      registerSignalListeners: false,
      rendererOptions: {
        timer: PRESET_TIMER,
        showErrorMessage: false,
        logger: new ListrLogger({ useIcons: true, processOutput: new ProcessOutput(stream, stream) }),
      },
    },
  );
  await list.run();
}

function title(step: StepRecord | undefined): string {
  if (step === undefined) return '';
  return step.status === 'running' || step.summary === '' ? step.step : `${step.step} ${pc.dim(step.summary)}`;
}

function ended(step: StepRecord): string {
  const how = step.status === 'failed' ? 'failed after' : 'done in';
  return `${step.step} ${how} ${elapsed(step.elapsedMs)}${step.summary === '' ? '' : `: ${step.summary}`}`;
}

/** The step's own words, then the notes of activities: those belong to the newest step that runs. */
function currentNote({ steps, notes }: Progress, index: number): string {
  const newest = steps.findLastIndex((step) => step.status === 'running');
  return [steps[index]?.summary ?? '', ...(index === newest ? notes : [])].filter((text) => text !== '').join(', ');
}
