import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TrainingRecord } from '../../domain/training-record.ts';
import { createObjectCache } from '../../stores/object-cache.ts';
import { moveAlias, rejectVersion } from '../../stores/registry.ts';
import { openTables } from '../../stores/tables.ts';
import { listTrainingRecords, readMetricPoints } from '../../stores/training-records.ts';
import { temporaryFolder } from '../support/embedded.ts';
import { type CardStage, openCardStage, pythonFor } from './card-stage.ts';
import { eventually, type Started } from './harness.ts';
import { type MlflowServer, type MlflowState, startMlflow } from './mlflow-server.ts';

// Packages of half a gigabyte are installed when it runs for the first time on a machine.
const limit = 600_000;
const mlflow = await pythonFor('mlflow');

let stage: CardStage;
beforeAll(async () => {
  stage = await openCardStage();
}, limit);
afterAll(() => stage?.close(), limit);

describe('the export to MLflow', () => {
  const servers: MlflowServer[] = [];
  let server: MlflowServer;
  beforeAll(async () => {
    server = await started();
  }, limit);
  afterAll(() => Promise.all(servers.map((each) => each.kill())), limit);

  async function started(): Promise<MlflowServer> {
    const one = await startMlflow(mlflow, temporaryFolder());
    servers.push(one);
    return one;
  }

  const exported = async (to = server) =>
    JSON.parse(await stage.printed('export', 'mlflow', '--to', to.url, '--json')) as unknown;
  const all = { runs: 2, trainings: 2, modelVersions: 2, already: 0 };
  const none = { runs: 0, trainings: 0, modelVersions: 0, already: 6 };

  async function recordOf(run: Started): Promise<TrainingRecord> {
    const [record] = await listTrainingRecords(stage.store, run.key);
    if (record === undefined) throw new Error('It trained nothing.');
    return record;
  }

  /** What the bucket says that a training's metric histories are: every point, and each once. */
  async function pointsOf(record: TrainingRecord): Promise<readonly string[]> {
    const tables = await openTables();
    try {
      const cache = createObjectCache(stage.store, join(stage.homeFolder, 'cache'));
      const file = record.points === null ? '' : await cache.localFile(record.points);
      const began = Date.parse(record.startedAt);
      return (await readMetricPoints(tables, file))
        .map(({ name, step, value, elapsedMs }) =>
          [name.replace('//', '/'), step, value, Math.round(began + elapsedMs)].join(' '),
        )
        .toSorted();
    } finally {
      tables.close();
    }
  }

  function expectWhole({ runs, models }: MlflowState): void {
    expect(runs.map(({ name }) => name)).toEqual([
      'punctual/dense',
      'punctual/dense 2-train',
      'punctual/program',
      'punctual/program 2-train',
    ]);
    expect(runs.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'FINISHED'));
    expect(runs.map(({ tags }) => tags['mlflow.parentRunId'])).toEqual([
      undefined,
      runs[0]?.id,
      undefined,
      runs[2]?.id,
    ]);
    expect(models[0]?.versions.map(({ version, run }) => [version, run])).toEqual([
      ['1', runs[1]?.id],
      ['2', runs[3]?.id],
    ]);
  }

  test(
    "is read back by MLflow's own client: runs, params, every metric point, tags, data, artifacts, versions and aliases",
    async () => {
      expect(await exported()).toEqual(all);
      const state = await server.state();
      expectWhole(state);
      const [run, training, , programmed] = state.runs;
      const record = await recordOf(stage.dense);
      expect(run).toMatchObject({
        experiment: 'punctual',
        params: { trainer: 'dense', epochs: '3' },
        tags: { 'mlflow.user': 'person', 'perdura.outcome': 'promoted', 'perdura.identity': stage.dense.key.runId },
      });
      const known = await stage.card('punctual');
      const measured = known.decisions.flatMap(({ decision }) => decision.findings);
      expect(run?.metrics['evaluate.auc']?.map(({ value }) => value)).toEqual([measured[0]?.measurement?.value]);
      const atlanta = measured[1]?.measurement?.slices?.find(({ slice }) => slice === 'ATL');
      expect(run?.metrics['evaluate.brier.origin.ATL']?.map(({ value }) => value)).toEqual([atlanta?.value]);

      expect(training).toMatchObject({
        params: { kind: 'dense', hidden: '[8]', epochs: '3', learningRate: '0.003', seed: '7', rows: '16000' },
        tags: { 'perdura.cost': `${record.cost?.amount} EUR`, 'perdura.featuresSha256': record.features.sha256 },
        start: Date.parse(record.startedAt),
        end: Date.parse(record.endedAt),
        inputs: [{ name: 'flights', digest: record.data.snapshot.digest.slice(0, 36), source: record.data }],
      });
      expect(programmed?.params).toMatchObject({ 'params.answer': '0.2', 'params.named.list': '[1,2]' });
      for (const [started, mirrored] of [
        [stage.dense, training],
        [stage.program, programmed],
      ] as const) {
        const found = Object.entries(mirrored?.metrics ?? {})
          .filter(([name]) => !name.startsWith('usage.'))
          .flatMap(([name, history]) =>
            history.map(({ step, value, timestamp }) => [name, step, value, timestamp].join(' ')),
          );
        const own = await pointsOf(await recordOf(started));
        expect(own.length).toBeGreaterThan(2);
        expect(found.toSorted()).toEqual(own);
      }
      expect(programmed?.artifacts).toEqual([
        'artifacts/a/note.txt',
        'artifacts/b/note.txt',
        'model/MLmodel',
        ...['features.mjs', 'manifest.json', 'model.onnx', 'model.sig', 'profile.json', 'signature.json'].map(
          (name) => `model/package/${name}`,
        ),
        'training.json',
      ]);
      expect(state.models).toMatchObject([{ name: 'punctual', aliases: { champion: '1', challenger: '2' } }]);
      expect(state.models[0]?.versions[1]?.tags).toMatchObject({
        'perdura.semanticVersion': '1.1.0',
        'perdura.status': 'ready',
      });
    },
    limit,
  );

  test(
    'gives a model that MLflow finds by its alias, with the bytes that were registered',
    async () => {
      const found = await server.python<Readonly<Record<string, string>>>(`
import hashlib
from mlflow.models import Model
path = mlflow.artifacts.download_artifacts("models:/punctual@champion")
digest = hashlib.sha256(open(os.path.join(path, "package/model.onnx"), "rb").read()).hexdigest()
print(json.dumps(dict(digest=digest, data=Model.load(path).flavors["onnx"]["data"])))
`);
      const { lineage } = await stage.card('punctual@champion');
      expect(found).toEqual({ digest: lineage.modelSha256, data: 'package/model.onnx' });
    },
    limit,
  );

  test(
    'that is repeated adds nothing, moves aliases, takes away those that are gone, and tells the status anew',
    async () => {
      const before = await server.state();
      expect(await exported()).toEqual(none);
      expect(await server.state()).toEqual(before);

      const move = { at: new Date().toISOString(), who: 'test', why: 'moved', evidenceSha256: 'e'.repeat(64) };
      await moveAlias(stage.store, 'punctual', { ...move, moveId: 'champion', alias: 'champion', to: '2' });
      await moveAlias(stage.store, 'punctual', { ...move, moveId: 'challenger', alias: 'challenger', to: null });
      await rejectVersion(stage.store, 'punctual', '1', 'It was wrong.');
      expect(await exported()).toEqual(none);
      const after = await server.state();
      expect(after.models[0]?.aliases).toEqual({ champion: '2' });
      expect(after.models[0]?.versions.map(({ tags }) => tags['perdura.status'])).toEqual(['rejected', 'ready']);
      expect(after.runs).toEqual(before.runs);
    },
    limit,
  );

  test(
    'that was killed half-way is made whole by the next',
    async () => {
      const fresh = await started();
      for (const runs of [1, 2, 4]) {
        const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
        const child = spawn(process.execPath, [main, 'export', 'mlflow', '--to', fresh.url], {
          cwd: stage.projectFolder,
          env: { PATH: process.env['PATH'], HOME: process.env['HOME'], PERDURA_HOME: stage.homeFolder },
          stdio: 'ignore',
        });
        const ended = once(child, 'exit');
        await eventually(`${runs} runs`, async () => child.exitCode !== null || (await fresh.runs()) >= runs, limit);
        child.kill('SIGKILL');
        await ended;
      }
      await exported(fresh);
      expectWhole(await fresh.state());
      expect(await exported(fresh)).toEqual(none);
    },
    limit,
  );

  test(
    'to a server that dies in the middle says so, and the next one makes it whole',
    async () => {
      const fresh = await started();
      const dying = stage.perdura('export', 'mlflow', '--to', fresh.url);
      await eventually('a first run', async () => (await fresh.runs()) >= 1, limit);
      await fresh.kill();
      const { exitCode, stderr } = await dying;
      expect({ exitCode, stderr }).toEqual({
        exitCode: 1,
        stderr: expect.stringContaining(`SERVICE_UNAVAILABLE MLflow does not answer at ${fresh.url}`),
      });
      await fresh.restart();
      await exported(fresh);
      expectWhole(await fresh.state());
    },
    limit,
  );

  test('to what is no MLflow server is refused in words', async () => {
    expect(await stage.perdura('export', 'mlflow', '--to', 'nowhere')).toMatchObject({ exitCode: 2 });
    const other = await stage.perdura('export', 'mlflow', '--to', stage.server.url);
    expect(other).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('INPUT_INVALID MLflow refused') });
  });
});
