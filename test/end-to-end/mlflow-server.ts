import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './harness.ts';

/** A real tracking server, from PyPI, with its state in a folder. */
export type MlflowServer = {
  readonly url: string;
  /** Runs a Python program that has `client`, an MlflowClient of this server, and prints one JSON document. */
  python<Answer>(program: string): Promise<Answer>;
  /** Everything in it, as its own client reads it. */
  state(): Promise<MlflowState>;
  /** How many runs it has now, deleted ones not counted. Asked over its interface: Python takes longer to start than an export. */
  runs(): Promise<number>;
  /** SIGKILL of it and of all that it started; returns when they are gone. */
  kill(): Promise<void>;
  /** A new one on the same state and address. */
  restart(): Promise<void>;
};

/** What a server has; runs in the order in which they began, histories as MLflow sorts them. */
export type MlflowState = {
  readonly runs: readonly {
    readonly experiment: string;
    readonly id: string;
    readonly name: string;
    readonly status: string;
    readonly start: number;
    readonly end: number | null;
    readonly params: Readonly<Record<string, string>>;
    readonly tags: Readonly<Record<string, string>>;
    readonly inputs: readonly unknown[];
    readonly artifacts: readonly string[];
    readonly metrics: Readonly<
      Record<string, readonly { readonly step: number; readonly value: number; readonly timestamp: number }[]>
    >;
  }[];
  readonly models: readonly {
    readonly name: string;
    readonly aliases: Readonly<Record<string, string>>;
    readonly versions: readonly {
      readonly version: string;
      readonly run: string;
      readonly tags: Readonly<Record<string, string>>;
    }[];
  }[];
};

const preamble = `import json, mlflow, os, sys, warnings
warnings.filterwarnings("ignore")
from mlflow import MlflowClient
mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
`;

const readAll = `
def artifacts(run, path=None):
    for each in client.list_artifacts(run, path):
        if each.is_dir: yield from artifacts(run, each.path)
        else: yield each.path
runs = []
for experiment in client.search_experiments():
    for run in client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"]):
        runs.append(dict(experiment=experiment.name, id=run.info.run_id, name=run.info.run_name, status=run.info.status,
            start=run.info.start_time, end=run.info.end_time, params=run.data.params, tags=run.data.tags,
            inputs=[dict(name=i.dataset.name, digest=i.dataset.digest, source=json.loads(i.dataset.source)) for i in run.inputs.dataset_inputs],
            artifacts=sorted(artifacts(run.info.run_id)),
            metrics={key: [dict(step=m.step, value=m.value, timestamp=m.timestamp) for m in client.get_metric_history(run.info.run_id, key)] for key in run.data.metrics}))
models = [dict(name=model.name, aliases=model.aliases,
    versions=[dict(version=v.version, run=v.run_id, tags=v.tags, description=v.description) for v in sorted(client.search_model_versions(f"name='{model.name}'"), key=lambda v: int(v.version))])
    for model in client.search_registered_models()]
print(json.dumps(dict(runs=runs, models=models)))
`;

/** Starts `mlflow server` with the Python of an environment that has it. */
export async function startMlflow(python: string, folder: string): Promise<MlflowServer> {
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let server = await begin(python, { folder, port });
  const ask = async <Answer>(program: string): Promise<Answer> => {
    const options = { env: environmentOf(folder), maxBuffer: 2 ** 26 };
    const { stdout } = await promisify(execFile)(python, ['-c', preamble + program, url], options);
    return JSON.parse(stdout) as Answer;
  };
  return {
    url,
    python: ask,
    state: () => ask<MlflowState>(readAll),
    runs: () => countRuns(url),
    kill: () => end(server),
    async restart() {
      await end(server);
      server = await begin(python, { folder, port });
    },
  };
}

type Where = { readonly folder: string; readonly port: number };

async function begin(python: string, { folder, port }: Where): Promise<ChildProcess> {
  const words = ['server', '--backend-store-uri', `sqlite:///${join(folder, 'state.sqlite')}`];
  words.push('--artifacts-destination', join(folder, 'artifacts'), '--workers', '1');
  words.push('--host', '127.0.0.1', '--port', String(port));
  // A group of its own: the server's workers end with it.
  const server = spawn(join(dirname(python), 'mlflow'), words, {
    cwd: folder,
    env: environmentOf(folder),
    stdio: 'ignore',
    detached: true,
  });
  const ended = once(server, 'exit');
  const answers = async () => {
    if (server.exitCode !== null) throw new Error(`mlflow server ended with ${server.exitCode}.`);
    return fetch(`http://127.0.0.1:${port}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  try {
    await eventually('an answer of the MLflow server', answers, 180_000);
  } catch (error) {
    await end(server);
    await ended;
    throw error;
  }
  return server;
}

async function end(server: ChildProcess): Promise<void> {
  if (server.pid === undefined) return;
  const group = -server.pid;
  try {
    process.kill(group, 'SIGKILL');
  } catch {
    return; // It has ended already.
  }
  await eventually('the end of the MLflow server', () => !lives(group));
}

function lives(group: number): boolean {
  try {
    process.kill(group, 0);
    return true;
  } catch {
    return false;
  }
}

/** Nothing of this machine's settings, and nothing that MLflow would ask the network for. */
function environmentOf(folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    LANG: 'C.UTF-8',
    DO_NOT_TRACK: 'true',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
    GIT_PYTHON_REFRESH: 'quiet',
  };
}

async function countRuns(url: string): Promise<number> {
  const response = await fetch(`${url}/api/2.0/mlflow/runs/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ experiment_ids: ['0', '1'], max_results: 100 }),
  });
  return ((await response.json()) as { readonly runs?: readonly unknown[] }).runs?.length ?? 0;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
