import { readdirSync, readFileSync } from 'node:fs';

/** A process of a model server, as /proc tells of it. `command`: the path of its program below dist. */
export type ServerProcess = { readonly pid: number; readonly parent: number; readonly command: string };

/** All living processes of model servers on this home folder, also those whose parent is gone: each has the folder in its environment. */
export function processesOn(homeFolder: string): readonly ServerProcess[] {
  return readdirSync('/proc').flatMap((name): ServerProcess[] => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [, command] = /dist\/(serving\/[^\0]+)/.exec(readFileSync(`/proc/${name}/cmdline`, 'utf8')) ?? [];
      if (command === undefined || !readFileSync(`/proc/${name}/environ`, 'utf8').includes(homeFolder)) return [];
      const { state, parent } = statOf(Number(name));
      return ['Z', 'X'].includes(state) ? [] : [{ pid: Number(name), parent, command }];
    } catch {
      // It ended while it was looked at.
      return [];
    }
  });
}

/** Pids of living processes of one program, for example `hosting/main.js`. */
export function pidsOf(homeFolder: string, program: string): readonly number[] {
  return processesOn(homeFolder).flatMap(({ pid, command }) => (command === `serving/${program}` ? [pid] : []));
}

/** Processor time that the processes took so far, milliseconds (ticks of 10 ms). */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + statOf(pid).cpuTicks * 10, 0);
}

/** Resident memory, bytes. */
export function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return sum + Number(kilobytes) * 1024;
  }, 0);
}

export function openFiles(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
}

function statOf(pid: number): { readonly state: string; readonly parent: number; readonly cpuTicks: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold spaces and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const cpuTicks = Number(fields[11]) + Number(fields[12]);
  return { state: fields[0] ?? 'X', parent: Number(fields[1]), cpuTicks };
}
