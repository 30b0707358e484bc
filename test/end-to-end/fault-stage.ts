import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { descendantsOf } from '../../bench/serving/cpu-time.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { EndpointStatus } from '../../serving/endpoint-status.ts';
import type { ModelServerOptions, ModelServerProcess } from '../../serving/start-process.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { writePackage } from '../../stores/packages.ts';
import { type Serving, setRoute, until, withServing } from '../serving/harness.ts';
import { type RestartableS3, restartableS3 } from '../support/restartable-s3.ts';
import { testKey } from '../support/test-key.ts';
import { tinyPackageFiles } from '../support/tiny-model.ts';

type Versions = Parameters<typeof setRoute>[2];

/** A new package is measured first, which takes a while on a busy machine. */
const switched = { atMostMs: 40_000 };

/** A model server whose S3 can go away, and what tests of faults do to it. */
export type FaultStage = {
  readonly s3: RestartableS3;
  readonly serving: Serving;
  readonly server: ModelServerProcess;
  /** Writes the endpoint's next route and tells the server; resolves with the route's epoch. */
  put(endpoint: string, versions: Versions): Promise<number>;
  /** The same, and waits until all processes have it in force. */
  switchTo(endpoint: string, versions: Versions): Promise<void>;
  status(endpoint: string): Promise<EndpointStatus>;
  /** Process ids of the hosts that run at this moment: those of slow live models and those of shadows. */
  hosts(): readonly number[];
  close(): Promise<void>;
};

export async function openFaultStage(
  fill: (store: ObjectStore) => Promise<void>,
  options: Partial<ModelServerOptions>,
): Promise<FaultStage> {
  const s3 = await restartableS3();
  const serving = await withServing({ s3: s3.s3, stop: () => s3.stop() });
  try {
    await fill(serving.store);
    const server = await serving.start(options);
    const stage = { s3, serving, server, ...controls(serving.store, server) };
    return { ...stage, hosts: () => hostsOf(server.pid), close: () => serving.close() };
  } catch (error) {
    await serving.close();
    throw error;
  }
}

function controls(store: ObjectStore, server: ModelServerProcess): Pick<FaultStage, 'put' | 'switchTo' | 'status'> {
  const find = async (endpoint: string): Promise<EndpointStatus | null> => {
    const answer = await fetch(`${server.adminUrl}/endpoints`);
    const { endpoints } = (await answer.json()) as { endpoints: readonly EndpointStatus[] };
    return endpoints.find((each) => each.endpoint === endpoint) ?? null;
  };
  const put: FaultStage['put'] = async (endpoint, versions) => {
    const { epoch } = await setRoute(store, endpoint, versions);
    await (await fetch(`${server.adminUrl}/hint`, { method: 'POST' })).text();
    return epoch;
  };
  return {
    put,
    async status(endpoint) {
      const found = await find(endpoint);
      if (found === null) throw new Error(`The server does not know endpoint ${endpoint}.`);
      return found;
    },
    async switchTo(endpoint, versions) {
      const epoch = await put(endpoint, versions);
      await until(`epoch ${epoch} of ${endpoint}`, async () => (await find(endpoint))?.epoch === epoch, switched);
    },
  };
}

function hostsOf(server: number): readonly number[] {
  return descendantsOf(server).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('serving/hosting/main');
    } catch {
      // It ended while we looked.
      return false;
    }
  });
}

/** A package, signed like any other, whose model.onnx is no model. */
export async function putBrokenPackage(
  store: ObjectStore,
  version: Pick<ModelReference, 'model' | 'modelVersion'>,
): Promise<ModelReference> {
  const files = await tinyPackageFiles({ bias: 0 });
  await writeFile(files['model.onnx'], 'these bytes are no model');
  const reference = await writePackage(store, version, files, await testKey());
  await rm(dirname(files['model.onnx']), { recursive: true });
  return reference;
}
