import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { pythonWith } from '../../support/python.ts';

/** A sample as Prometheus's own Python client reads it. */
export type Sample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};
export type Family = { readonly name: string; readonly type: string; readonly samples: readonly Sample[] };

const script = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
families = [
    {"name": f.name, "type": f.type, "samples": [{"name": s.name, "labels": s.labels, "value": s.value} for s in f.samples]}
    for f in text_string_to_metric_families(sys.stdin.read())
]
json.dump(families, sys.stdout)
`;

const requirements = join(import.meta.dirname, '../../support/requirements/prometheus-client.txt');

/** Opens the official parser (prometheus_client 0.26.0); what it refuses throws. */
export async function openParser(): Promise<(text: string) => readonly Family[]> {
  const python = await pythonWith(requirements);
  return (text) => JSON.parse(execFileSync(python, ['-c', script], { input: text }).toString()) as readonly Family[];
}

/** The value of the one sample with these labels, others allowed. */
export function valueOf(
  families: readonly Family[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const found = families
    .flatMap(({ samples }) => samples)
    .filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
  const [only, ...more] = found;
  if (only === undefined || more.length > 0) throw new Error(`${found.length} samples ${name}, not one.`);
  return only.value;
}
