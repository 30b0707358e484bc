import { factsOf, type Facts } from '../domain/compare-facts.ts';
import type { RunStart } from '../domain/run.ts';
import type { TrainingRecord } from '../domain/training-record.ts';

/** What two runs are compared by: settings, results, data, code and environment of a training. */
export function trainingFacts(start: RunStart, record: TrainingRecord | null): Facts {
  if (record === null) return { input: factsOf(start.input), environment: factsOf(start.environment) };
  const { trainer, seed, metrics, target, data, features, rows, environment, python, hardware, usage, cost } = record;
  const { bundleSha256, gitCommit, lockfileSha256, ...machine } = environment;
  return {
    params: { ...factsOf(trainer), seed: String(seed) },
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, numberText(value)])),
    data: { ...factsOf(data), ...factsOf(target, 'target'), ...factsOf(rows, 'rows') },
    code: factsOf({ features: features.sha256, bundle: bundleSha256, gitCommit, lockfile: lockfileSha256 }),
    environment: factsOf({
      ...machine,
      ...hardwareFacts(hardware),
      python: python?.python,
      packages: python?.packages,
    }),
    usage: factsOf({
      elapsed: `${(usage.elapsedMs / 1_000).toFixed(1)} s`,
      cpu: `${usage.cpuSeconds.toFixed(1)} s`,
      gpu: `${usage.gpuSeconds.toFixed(1)} s`,
      peakMemory: `${Math.round(usage.peakMemoryMiB)} MiB`,
      cost: cost === null ? undefined : costText(cost),
    }),
  };
}

/** A price for a person. Small trainings cost less than a cent. */
export function costText({ amount, currency }: { readonly amount: number; readonly currency: string }): string {
  return `${amount >= 1 ? amount.toFixed(2) : Number(amount.toPrecision(2))} ${currency}`;
}

/** A metric to six digits. */
export function numberText(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function hardwareFacts({
  cpu,
  cores,
  memoryMiB,
  devices,
}: TrainingRecord['hardware']): Readonly<Record<string, unknown>> {
  const names = devices.map(({ name, driver }) => `${name} (driver ${driver})`);
  return { cpu, cores, memory: `${memoryMiB} MiB`, devices: names.length === 0 ? 'none' : names.join(', ') };
}
