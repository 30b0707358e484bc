import type { Sinks } from '@temporalio/workflow';
import type { ReplayedCommand } from '../../domain/replayed-command.ts';

/** The way out of the sandbox for what a strict replay records; the audit supplies it with `callDuringReplay: true`. */
export interface StrictReplaySinks extends Sinks {
  strictReplay: { record(command: ReplayedCommand): void };
}
