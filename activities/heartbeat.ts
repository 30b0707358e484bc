import { Context } from '@temporalio/activity';

/** How an activity says that it lives, and learns that it shall end. */
export type Beat = {
  /** Aborts when the step is cancelled or the worker shuts down. */
  readonly signal: AbortSignal;
  /** One line for a person; shown by `perdura run` while the step is under way. */
  note(text: string): void;
};

/** The last note of each running activity, so that a beat between two notes does not wipe it. */
const lastNotes = new WeakMap<Context, string>();

/** The beat of the activity that is running in this asynchronous context. */
export function currentBeat(): Beat {
  const context = Context.current();
  return {
    signal: context.cancellationSignal,
    note(text) {
      lastNotes.set(context, text);
      repeatBeat(context);
    },
  };
}

/** Says that an activity lives, with the last note that it gave. */
export function repeatBeat(context: Context): void {
  context.heartbeat({ note: lastNotes.get(context) ?? '' });
}
