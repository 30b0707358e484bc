import { join } from 'node:path';

import { CodedError } from '../../domain/errors.ts';
import type { InferenceRow } from '../../domain/inference.ts';
import type { Route } from '../../domain/route.ts';
import { findLoggedRequest, type LoggedRequest } from '../../stores/logged-request.ts';
import { routeHistory } from '../../stores/routes.ts';
import { beforeTraffic } from '../../stores/traffic.ts';
import type { Context } from '../context.ts';
import { withJson } from '../logged-json.ts';
import { heading, moment, table } from '../output.ts';
import { requireEndpoint } from '../require-endpoint.ts';
import { printable, readingBucket } from '../snapshots.ts';

type Bounds = { readonly since?: string; readonly until?: string };

/** `perdura log show`: one request, with everything that can be said of it from the bucket. */
export function logShow(context: Context, endpoint: string, requestId: string, bounds: Bounds): Promise<number> {
  return readingBucket(context, async ({ store, config }) => {
    await requireEndpoint(store, endpoint);
    const found = await findLoggedRequest(store, {
      endpoint,
      requestId,
      cacheFolder: join(config.homeFolder, 'cache'),
      since: bounds.since ?? beforeTraffic,
      ...(bounds.until !== undefined && { until: bounds.until }),
    });
    if (found.answers.length === 0) throw notLogged(endpoint, requestId, bounds);
    const epochs = new Set(found.answers.map(({ epoch }) => epoch));
    const routes = (await routeHistory(store, endpoint)).filter(({ epoch }) => epochs.has(epoch));
    const { answers, labels } = found;
    context.output.answer({ endpoint, requestId, answers: answers.map(withJson), labels, routes }, () =>
      describe(found, routes),
    );
    return 0;
  });
}

function describe({ answers, labels }: LoggedRequest, routes: readonly Route[]): string {
  const parts = [
    part('Answers', answersTable(answers)),
    ...answers.filter(({ shadow }) => !shadow).map(inputs),
    ...(labels.length === 0 ? [] : [part('Labels', labels.map(labelLine).join('\n'))]),
    part('Route', routes.map(routeLine).join('\n')),
  ];
  return parts.join('\n\n');
}

const part = (title: string, text: string): string => `${heading(title)}\n${text}`;

function answersTable(answers: readonly InferenceRow[]): string {
  return table(
    ['REQUEST', 'AT', 'ARM', 'MODEL', 'ANSWER', 'CONFIDENCE', 'MS'],
    answers.map((row) => [
      printable(row.requestId),
      moment(row.at),
      row.arm,
      `${row.model} ${row.modelVersion}`,
      printable(row.error ?? row.answer ?? String(row.output)),
      `${row.confidence?.toFixed(3) ?? ''}${row.review ? ', for review' : ''}`,
      row.latencyMs.toFixed(1),
    ]),
  );
}

function inputs({ requestId, subject, caller, record, features }: InferenceRow): string {
  const lines = [
    ['subject', subject],
    ...(caller === null ? [] : [['caller', caller]]),
    // Requests of tensors have no record.
    ...(record === 'null' ? [] : [['record', record]]),
    ['features', features],
  ];
  return part(
    printable(`Inputs of ${requestId}`),
    lines.map(([name, value]) => `${name}: ${printable(value ?? '')}`).join('\n'),
  );
}

const labelLine = ({ label, at }: LoggedRequest['labels'][number]): string => `${label} (${moment(at)})`;

function routeLine({ epoch, at, who, why, arms, shadows }: Route): string {
  const versions = [
    ...arms.map(({ name, version, weight }) => `${name} ${version.model} ${version.modelVersion} ${weight} %`),
    ...shadows.map(({ model, modelVersion }) => `shadow ${model} ${modelVersion}`),
  ];
  return `epoch ${epoch} since ${moment(at)}: ${versions.join(', ')}\n  by ${printable(who)}: ${printable(why)}`;
}

function notLogged(endpoint: string, requestId: string, { since, until }: Bounds): CodedError {
  const bounds = [since === undefined ? '' : ` since ${since}`, until === undefined ? '' : ` until ${until}`].join('');
  return new CodedError(
    'NOT_FOUND',
    `Request '${printable(requestId)}' of endpoint '${endpoint}' is not in the log${bounds}. A new answer comes to the bucket within seconds; with a sampled log not every answer does.`,
  );
}
