import type { Facts } from '../../domain/compare-facts.ts';
import type { ModelCard } from '../../domain/model-card.ts';
import { figure, metricRows, sliceText, trainerText } from './rows.ts';

/** A card as named texts, so that two can be compared as runs are: by what they say, not by where in a list it stands. */
export function cardFacts(card: ModelCard): Facts {
  const { about, limits, unknown } = card;
  const said = Object.entries(about ?? {}).map(([name, value]) => [name, [value].flat().join('; ')]);
  const measured = metricRows(card).map(({ step, metric, slice, value, interval, verdict }) => [
    `${step}: ${metric}${slice === null ? '' : `: ${slice}`}`,
    [value, ...(interval === '' ? [] : [`(${interval})`]), ...(verdict === '' ? [] : [verdict])].join(' '),
  ]);
  const listed = (items: readonly string[]) => Object.fromEntries(items.map((item) => [item, 'stated']));
  return {
    version: {
      semanticVersion: card.semanticVersion,
      status: card.status,
      aliases: card.aliases.join(', '),
      createdAt: card.createdAt,
    },
    about: Object.fromEntries(said) as Readonly<Record<string, string>>,
    limits: listed(limits),
    model: Object.fromEntries(modelFacts(card)),
    metrics: Object.fromEntries(measured) as Readonly<Record<string, string>>,
    training: Object.fromEntries(trainingFacts(card)),
    lineage: Object.fromEntries(lineageFacts(card)),
    unknown: listed(unknown),
  };
}

/** What goes in and comes out, as pairs of name and text. */
export function modelFacts(card: ModelCard): readonly (readonly [string, string])[] {
  const { target, classes, output, features } = card;
  return [
    ['Target', `${target.name} (${target.task}): ${target.sql}`],
    ...(classes === null ? [] : [['Classes', classes.join(', ')] as const]),
    [
      'Record',
      Object.entries(card.record)
        .map(([name, type]) => `${name}: ${type}`)
        .join(', '),
    ],
    ['Features', [...features.numbers, ...features.categories].join(', ')],
    ['Output', `${output.name}, ${output.width} a row`],
    ['Package', card.packageDigest ?? 'not written'],
  ];
}

/** What it learned from and what that took. */
export function trainingFacts(card: ModelCard): readonly (readonly [string, string])[] {
  const { usage, cost, hardware, python, metrics, cache } = card.training;
  const gpu = usage.gpuSeconds === 0 ? '' : `, ${figure(usage.gpuSeconds)} s of devices`;
  return [
    ['Data', `${sliceText(card.data)}; ${card.data.trained} trained on, ${card.data.skipped} left out`],
    ['Trainer', trainerText(card)],
    [
      'Last metrics',
      Object.entries(metrics)
        .map(([name, value]) => `${name} ${figure(value)}`)
        .join(', '),
    ],
    ...(cache.outcome === 'hit' ? [['Kept result', cache.why] as const] : []),
    ['Took', `${figure(usage.elapsedMs / 1000)} s, ${figure(usage.cpuSeconds)} s of processors${gpu}`],
    ['Cost', cost === null ? 'not known' : `${figure(cost.amount)} ${cost.currency}`],
    [
      'On',
      `${hardware.cpu}, ${hardware.cores} cores, ${hardware.devices.map(({ name }) => name).join(', ') || 'no device'}`,
    ],
    ...(python === null
      ? []
      : [['Python', `${python.python}, ${Object.keys(python.packages).length} packages, ${python.digest}`] as const]),
  ];
}

/** Which run, code and bytes it comes from. */
export function lineageFacts({ run, lineage }: ModelCard): readonly (readonly [string, string])[] {
  const { environment } = lineage;
  return [
    ['Run', `${run.workflowId} (${run.runId})`],
    ['Workflow bundle', environment.bundleSha256],
    ['Git commit', environment.gitCommit ?? 'not known'],
    ['Lockfile', environment.lockfileSha256 ?? 'none'],
    ['Features', lineage.featuresSha256],
    ['model.onnx', lineage.modelSha256],
    ['Perdura', `${environment.perdura}, Node ${environment.node}, ${environment.platform}`],
    ['Training record', `${lineage.record.key} (${lineage.record.sha256})`],
  ];
}
