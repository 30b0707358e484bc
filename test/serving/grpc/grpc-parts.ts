import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';

import { openPolicy } from '../../../domain/endpoint-policy.ts';
import { CodedError } from '../../../domain/errors.ts';
import type { ModelReference } from '../../../domain/model-package.ts';
import { answerRequest, type AnswerParts, type ServedEndpoint } from '../../../serving/answering/answer-request.ts';
import type { ActiveArm, AnsweringParts } from '../../../serving/answering/parts.ts';
import { createPastLookup } from '../../../serving/answering/past-lookup.ts';
import { noCounts } from '../../../serving/endpoint-status.ts';
import type { LoggedRow } from '../../../serving/log/log-writer.ts';
import { loadModel } from '../../../serving/models/load-model.ts';
import type { ServingMetrics } from '../../../serving/observe/metrics.ts';
import { tinyPackageFiles } from '../../support/tiny-model.ts';

/** sigmoid(0.3 · distance + 0.02 · hour + bias + 0.7 for SFO). */
export const [championBias, challengerBias] = [-0.5, 0.5];

/** The insides of an answering process without its processes: real packages and the real way of a request; its log is a list. */
export type GrpcParts = {
  readonly parts: AnsweringParts;
  readonly logged: LoggedRow[];
  readonly counted: Parameters<ServingMetrics['request']>[0][];
  readonly metrics: ServingMetrics;
  /** What the next request is refused with; null: nothing. */
  refuse(error: CodedError | null): void;
  setOpen(open: boolean): void;
  close(): Promise<void>;
};

/** An endpoint `flights` with champion 1 and challenger 2, which only a tester or a named version reaches. */
export async function grpcParts(): Promise<GrpcParts> {
  const arms = [await loadArm('champion', '1', championBias, 100), await loadArm('challenger', '2', challengerBias, 0)];
  const [champion, challenger] = arms.map(({ arm }) => arm);
  if (champion === undefined || challenger === undefined) throw new Error('Two arms were loaded.');
  const served: ServedEndpoint = {
    route: { endpoint: 'flights', epoch: 7, changeId: 'c', arms: [], shadows: [], at: '', who: '', why: '' },
    policy: openPolicy('flights'),
    arms: [champion, challenger],
    feeds: [],
    hold: () => undefined,
    letGo: () => undefined,
  };
  return assemble(served, () => Promise.all(arms.map(({ close }) => close())));
}

function assemble(served: ServedEndpoint, closeArms: () => Promise<unknown>): GrpcParts {
  const logged: LoggedRow[] = [];
  const counted: GrpcParts['counted'] = [];
  let refusal: CodedError | null = null;
  let open = true;
  const hold = (endpoint: string): ServedEndpoint => {
    if (endpoint === 'flights') return served;
    throw new CodedError('NOT_FOUND', `Endpoint '${endpoint}' is not in force. See 'perdura routes'.`);
  };
  const answerParts: AnswerParts = {
    hold,
    admission: {
      admit() {
        if (refusal !== null) throw refusal;
        return { name: null, tester: true };
      },
    },
    inFlight: { enter: () => undefined, leave: () => undefined, count: () => 0 },
    past: createPastLookup({
      open: () => Promise.reject(new Error('There is no online store.')),
      report: () => undefined,
    }),
    log: {
      append: (_, rows) => Promise.resolve(void logged.push(...rows)),
      appendLabels: () => Promise.resolve(),
      close: () => undefined,
    },
    counters: () => noCounts(),
    pricePerHour: null,
    tracing: null,
  };
  const parts: AnsweringParts = {
    endpoints: { current: (endpoint) => (endpoint === 'flights' ? served : null), all: () => [served] },
    answer: (call) => answerRequest(answerParts, call),
    recordLabels: () => Promise.reject(new Error('gRPC has no labels.')),
    status: () => Promise.reject(new Error('gRPC has no status.')),
    describe: (endpoint) => Promise.resolve().then(() => hold(endpoint)),
    open: () => open,
  };
  const metrics: ServingMetrics = {
    request: (of) => void counted.push(of),
    run: () => undefined,
    json: () => Promise.resolve([]),
  };
  return {
    parts,
    logged,
    counted,
    metrics,
    refuse: (error) => void (refusal = error),
    setOpen: (next) => void (open = next),
    close: async () => void (await closeArms()),
  };
}

async function loadArm(name: ActiveArm['name'], modelVersion: string, bias: number, weight: number) {
  const files = await tinyPackageFiles({ bias, distance: 0.3, hour: 0.02, origins: { SFO: 0.7 } });
  const folder = dirname(files['model.onnx']);
  const reference: ModelReference = { model: 'flights', modelVersion, packageDigest: modelVersion.repeat(64) };
  const model = await loadModel(reference, folder, {
    provider: 'cpu',
    threads: 1,
    maxRows: 4_096,
    measured: { memoryBytes: 0 },
  });
  const close = async (): Promise<void> => {
    await model.close();
    await rm(folder, { recursive: true });
  };
  return { arm: { name, weight, model } satisfies ActiveArm, close };
}
