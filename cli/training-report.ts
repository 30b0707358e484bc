import type { DataSlice } from '../domain/snapshot.ts';
import type { TrainingRecord } from '../domain/training-record.ts';
import { factsOf } from '../domain/compare-facts.ts';
import { coloured, elapsed, heading } from './output.ts';
import { costText, numberText } from './training-facts.ts';

/** Packages that a person is told of; the rest is in --json. */
const mostPackages = 12;

/** One training for a person: what was trained from what, what came out, what it used and cost, and whether it was computed. */
export function describeTraining(record: TrainingRecord): string {
  const { trainer, seed, target, usage, cost, cache, metrics, rows, attempt } = record;
  const points = Object.entries(metrics).map(([name, value]) => `${name} ${numberText(value)}`);
  const settings = Object.entries(factsOf(trainer)).filter(([name]) => name !== 'kind');
  const lines: readonly (readonly [string, string])[] = [
    ['model', record.model],
    ['trainer', `${trainer.kind}: ${settings.map(([name, value]) => `${name} ${value}`).join(', ')}; seed ${seed}`],
    ['target', `${target.name} (${target.task}): ${target.sql}`],
    ['data', `${sliceText(record.data)}; ${rows.trained} rows, ${rows.skipped} left out`],
    ['features', `${record.features.pipeline} ${record.features.sha256.slice(0, 12)}`],
    ['metrics', points.join(', ')],
    ['ran on', environmentText(record)],
    ['used', usageText(usage)],
    ['cost', cost === null ? '' : costText(cost)],
    ['attempt', attempt === 1 ? '' : `${attempt}`],
    ['cache', `${coloured(cache.outcome)}, key ${cache.key.slice(0, 12)}`],
  ];
  const shown = lines.filter(([, text]) => text !== '').map(([name, text]) => `${name.padEnd(9)} ${text}`);
  return `${heading(`Training ${record.stepId}`)}\n${shown.join('\n')}`;
}

/** Why each training was computed or found. */
export function describeCache(records: readonly TrainingRecord[]): string {
  if (records.length === 0) return 'No training of this run has come to a result.';
  return records
    .map(({ stepId, model, cache }) => `${stepId} (${model}): ${coloured(cache.outcome)}. ${cache.why}`)
    .join('\n');
}

function usageText({
  elapsedMs,
  cpuSeconds,
  gpuSeconds,
  peakMemoryMiB,
  bytesRead,
  bytesWritten,
}: TrainingRecord['usage']) {
  const gpu = gpuSeconds === 0 ? '' : `, ${gpuSeconds.toFixed(1)} device seconds`;
  return `${elapsed(elapsedMs)}, ${cpuSeconds.toFixed(1)} CPU seconds${gpu}, ${Math.round(peakMemoryMiB)} MiB at most, ${megabytes(bytesRead)} read, ${megabytes(bytesWritten)} written`;
}

function environmentText({ environment, hardware, python }: TrainingRecord): string {
  const devices = hardware.devices.map(({ name }) => name);
  const packages = Object.entries(python?.packages ?? {}).map(([name, version]) => `${name} ${version}`);
  return [
    `${hardware.cores} cores of ${hardware.cpu}`,
    ...devices,
    environment.platform,
    `Node ${environment.node}`,
    `perdura ${environment.perdura}`,
    ...(python === null ? [] : [`Python ${python.python}`]),
    ...packages.slice(0, mostPackages),
    ...(packages.length > mostPackages ? [`${packages.length - mostPackages} more packages`] : []),
  ].join(', ');
}

function sliceText({ snapshot, time, chance }: DataSlice): string {
  const name = `${snapshot.dataset}@${snapshot.digest.slice(0, 12)}`;
  if (time !== undefined)
    return `${name} where ${time.from === undefined ? '' : `${time.from} <= `}${time.column}${time.before === undefined ? '' : ` < ${time.before}`}`;
  if (chance !== undefined) return `${name}, ${Math.round((chance.before - chance.from) * 100)} % by chance`;
  return name;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
