import { createHash } from 'node:crypto';
import type { ModelCard } from '../../domain/model-card.ts';
import { metricRows, sliceText, trainerText } from './rows.ts';

/**
 * A card as a CycloneDX 1.6 bill of materials: the model as a `machine-learning-model` with its card, the data that it learned from, and the
 * Python packages that trained it. Equal cards give equal documents. https://cyclonedx.org/docs/1.6/json/
 */
export function machineBom(card: ModelCard): Readonly<Record<string, unknown>> {
  const model = `model/${card.model}/${card.modelVersion}`;
  const data = `data/${card.data.snapshot.dataset}/${card.data.snapshot.digest}`;
  const packages = packageComponents(card);
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(card))}`,
    version: 1,
    metadata: {
      timestamp: card.createdAt,
      tools: { components: [{ type: 'application', name: 'perdura', version: card.lineage.environment.perdura }] },
      component: modelComponent(card, model, data),
    },
    components: [dataComponent(card, data), ...packages],
    dependencies: [
      { ref: model, dependsOn: [data, ...packages.map((each) => each['bom-ref'])] },
      { ref: data },
      ...packages.map((each) => ({ ref: each['bom-ref'] })),
    ],
  };
}

function modelComponent(card: ModelCard, ref: string, data: string): Readonly<Record<string, unknown>> {
  const { about, lineage } = card;
  return {
    type: 'machine-learning-model',
    'bom-ref': ref,
    name: card.model,
    version: card.semanticVersion,
    ...(about === null ? {} : { description: about.intendedUse }),
    ...(about?.owner === undefined ? {} : { supplier: { name: about.owner } }),
    ...(about?.license === undefined ? {} : { licenses: [{ license: { name: about.license } }] }),
    hashes: [{ alg: 'SHA-256', content: lineage.modelSha256 }],
    properties: [
      { name: 'perdura:modelVersion', value: card.modelVersion },
      { name: 'perdura:packageDigest', value: card.packageDigest ?? '' },
      { name: 'perdura:run', value: `${card.run.workflowId} (${card.run.runId})` },
      { name: 'perdura:workflowBundle', value: lineage.environment.bundleSha256 },
      { name: 'perdura:gitCommit', value: lineage.environment.gitCommit ?? '' },
      { name: 'perdura:trainingRecord', value: lineage.record.key },
    ],
    modelCard: {
      modelParameters: {
        approach: { type: 'supervised' },
        task: card.target.task === 'regression' ? 'regression' : 'classification',
        architectureFamily: lineage.trainer.kind,
        modelArchitecture: trainerText(card),
        datasets: [{ ref: data }],
        inputs: Object.entries(card.record).map(([name, type]) => ({ format: `${name}: ${type}` })),
        outputs: [{ format: `${card.output.name}: FP32 [rows, ${card.output.width}]` }],
      },
      quantitativeAnalysis: { performanceMetrics: performanceMetrics(card) },
      considerations: considerations(card),
    },
  };
}

function performanceMetrics(card: ModelCard): readonly Readonly<Record<string, unknown>>[] {
  return metricRows(card).map(({ step, metric, slice, value, interval }) => {
    const [lowerBound, upperBound] = interval.split(' to ');
    return {
      type: `${metric} (${step})`,
      value,
      ...(slice === null ? {} : { slice }),
      ...(lowerBound === undefined || upperBound === undefined
        ? {}
        : { confidenceInterval: { lowerBound, upperBound } }),
    };
  });
}

function considerations({ about, limits, decisions }: ModelCard): Readonly<Record<string, unknown>> {
  const limitations = [...(about?.limitations ?? []), ...limits];
  const groups = decisions.flatMap(({ decision }) =>
    decision.findings.filter(({ guardrail }) => /Parity|Odds|Opportunity/.test(guardrail.metric)),
  );
  return {
    ...(about === null ? {} : { useCases: [about.intendedUse] }),
    ...(limitations.length === 0 ? {} : { technicalLimitations: limitations }),
    ...(about?.ethicalConsiderations === undefined
      ? {}
      : { ethicalConsiderations: about.ethicalConsiderations.map((name) => ({ name })) }),
    ...(groups.length === 0
      ? {}
      : {
          fairnessAssessments: groups.map(({ guardrail, reason }) => ({
            groupAtRisk: guardrail.by ?? '',
            harms: reason,
          })),
        }),
  };
}

function dataComponent(card: ModelCard, ref: string): Readonly<Record<string, unknown>> {
  const { snapshot } = card.data;
  return {
    type: 'data',
    'bom-ref': ref,
    name: snapshot.dataset,
    version: snapshot.digest,
    data: [
      {
        type: 'dataset',
        name: snapshot.dataset,
        contents: { properties: [{ name: 'perdura:slice', value: sliceText(card.data) }] },
      },
    ],
  };
}

type PackageComponent = { readonly type: 'library'; readonly 'bom-ref': string } & Readonly<Record<string, unknown>>;

function packageComponents({ training: { python } }: ModelCard): readonly PackageComponent[] {
  return Object.entries(python?.packages ?? {}).map(([name, version]) => {
    const purl = `pkg:pypi/${name.toLowerCase().replaceAll('_', '-')}@${version}`;
    return { type: 'library', 'bom-ref': purl, name, version, purl };
  });
}

/** A version 8 UUID of the text's digest: no clock, no chance. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
