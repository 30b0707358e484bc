import type { PreparedEndpoint } from '../prepared-endpoint.ts';
import type { AnsweringProcess } from './answering-process.ts';

/** What is switched in all processes at once. */
export type Switch = {
  /** Its number; no two switches of a server have the same. */
  readonly change: number;
  readonly endpoint: PreparedEndpoint;
  /** Those that it is for, asked again until all of them are prepared: one may be started meanwhile. */
  readonly living: () => readonly AnsweringProcess[];
  /** Called at the moment of the switch: a process that is started from now on gets the new one. */
  readonly commit: () => void;
};

/**
 * Puts an endpoint in force in all processes or in none: all load it, then all take it. Resolves when no process answers by the old one.
 *
 * @throws CodedError why a process could not load it, ended or was silent; the old one then stays in force everywhere.
 */
export async function switchEndpoint({ change, endpoint, living, commit }: Switch): Promise<void> {
  const told = new Set<AnsweringProcess>();
  const prepare = async (process: AnsweringProcess): Promise<void> => {
    told.add(process);
    // One that does not start is started again, with whatever is in force then: it says nothing about this endpoint.
    const started = await process.ready.then(
      () => true,
      () => false,
    );
    if (started) await unlessLeaving(process, process.prepare(change, endpoint));
  };
  const untold = (): readonly AnsweringProcess[] => living().filter((process) => !told.has(process));
  try {
    for (let rest = untold(); rest.length > 0; rest = untold()) await Promise.all(rest.map(prepare));
  } catch (error) {
    for (const process of told) process.send({ type: 'discard', change });
    throw error;
  }
  commit();
  await Promise.all(
    [...told]
      .filter((process) => ['ready', 'draining'].includes(process.state()))
      .map((process) => apply(process, change)),
  );
}

/** One that drains answers by the new one too while it can; that it cannot any more holds up nobody. */
async function unlessLeaving(process: AnsweringProcess, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!process.leaving()) throw error;
  }
}

/** One that does not say that it took it may answer by the old one: it is ended, and started again with the new one. */
async function apply(process: AnsweringProcess, change: number): Promise<void> {
  try {
    await process.apply(change);
  } catch {
    if (process.leaving()) return;
    if (process.state() === 'ready') process.kill();
    await process.ended;
  }
}
