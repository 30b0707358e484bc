import { join } from 'node:path';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

import { readRoute, writeRoute } from '../../stores/routes.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { completeVersion, reserveVersion } from '../../stores/registry.ts';
import { openSigningKey } from '../../stores/signing/signing.ts';
import { writePackage } from '../../stores/packages.ts';
import { createEndpointClient } from '../../workers/endpoint-client.ts';
import { flight, get, post, until } from '../serving/harness.ts';
import type { CommandResult } from '../support/cli.ts';
import { newVersion } from '../support/lineage.ts';
import { tinyPackageFiles } from '../support/tiny-model.ts';
import { registerTiny, serveTiny } from '../workflows/tiny-stage.ts';
import { onStage, openStage, type Stage } from './harness.ts';
import { writeProject } from './project.ts';

const limit = 120_000;
const pipelines = { empty: { 'pipeline.ts': 'export async function empty() {}\n' } };
const why = ['--why', 'release 2'] as const;
let stage: Stage;
let champion: ModelReference;
let challenger: ModelReference;

beforeAll(async () => {
  stage = await openStage((folder) => writeProject(folder, pipelines));
  champion = await registerTiny(stage.store, 'one');
  challenger = await registerTiny(stage.store, 'two');
}, limit);
afterAll(() => stage?.close(), limit);

type Predicted = { readonly status: number; readonly said: string };

/** On a connection of its own, so that each of the answering processes has its turn; `said`: arm and epoch, or the error's code. */
function predict(endpoint: string, headers: Readonly<Record<string, string>> = {}): Promise<Predicted> {
  const url = `${stage.server.url}/endpoints/${endpoint}/predict`;
  const all = { 'content-type': 'application/json', ...headers };
  return new Promise((resolve, reject) => {
    const asking = request(url, { method: 'POST', agent: false, headers: all }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.once('end', () => {
        const { arm, epoch, code } = JSON.parse(text) as Readonly<Record<string, unknown>>;
        const status = response.statusCode ?? 0;
        resolve({ status, said: status === 200 ? `${String(arm)} ${String(epoch)}` : String(code) });
      });
    });
    asking.once('error', reject).end(JSON.stringify({ record: flight }));
  });
}

/** What twenty connections hear at this moment. */
async function heard(endpoint: string, headers?: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const all = await Promise.all(Array.from({ length: 20 }, () => predict(endpoint, headers)));
  return [...new Set(all.map(({ said }) => said))];
}

async function serve(endpoint: string): Promise<void> {
  await serveTiny(stage.store, endpoint, champion);
  await until(`endpoint ${endpoint} answers`, async () => (await predict(endpoint)).status === 200);
}

/** Asks one thing after the other on four connections until it is stopped. */
function startAsking(endpoint: string) {
  const statuses: number[] = [];
  let stopped = false;
  const client = async (): Promise<void> => {
    while (!stopped) {
      statuses.push((await post(stage.server.url, `/endpoints/${endpoint}/predict`, { record: flight })).status);
      await pause(10);
    }
  };
  const clients = Array.from({ length: 4 }, client);
  return async (): Promise<readonly number[]> => {
    stopped = true;
    await Promise.all(clients);
    return statuses;
  };
}

async function done(words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { exitCode, stdout, stderr } = await onStage(stage, words);
  if (exitCode !== 0)
    throw new Error(`'perdura ${words.join(' ')}' ended with ${String(exitCode)}: ${stdout}${stderr}`);
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

function errorOf({ stdout }: CommandResult): Readonly<Record<string, unknown>> {
  return (JSON.parse(stdout) as { readonly error: Readonly<Record<string, unknown>> }).error;
}

test(
  'each switch is in force in all processes when its command ends, forth and back, and costs no request',
  async () => {
    await serve('blue');
    const stop = startAsking('blue');
    const staged = await done(['routes', 'stage', 'blue', challenger.modelVersion, ...why]);
    expect(staged).toMatchObject({ epoch: 2, behind: [] });
    expect(await heard('blue')).toEqual(['champion 2']);
    expect(await done(['routes', 'switch', 'blue', '--to', 'challenger', ...why])).toMatchObject({ epoch: 3 });
    expect(await heard('blue')).toEqual(['challenger 3']);
    expect(await done(['routes', 'switch', 'blue', '--to', 'champion', ...why])).toMatchObject({ epoch: 4 });
    expect(await heard('blue')).toEqual(['champion 4']);
    const statuses = await stop();
    expect(statuses.length).toBeGreaterThan(100);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
  },
  limit,
);

test(
  'a release goes on only when the servers have its route in force',
  async () => {
    await serve('ramp');
    const arms = [
      { name: 'champion', version: champion, weight: 0 },
      { name: 'challenger', version: challenger, weight: 100 },
    ] as const;
    const change = { endpoint: 'ramp', changeId: 'canary', arms, shadows: [], who: 'release/one', why: 'canary' };
    await createEndpointClient(stage.client).change({ change, holder: 'release/one', expects: champion, done: true });
    expect(await heard('ramp')).toEqual(['challenger 2']);
  },
  limit,
);

/** A version that is ready by the registry, and whose package a stranger signed. */
async function registerForged(): Promise<string> {
  const { modelVersion } = await reserveVersion(stage.store, 'tiny', newVersion('forged'));
  const key = await openSigningKey(join(stage.homeFolder, 'stranger'));
  const files = await tinyPackageFiles({ bias: 9 });
  const { packageDigest } = await writePackage(stage.store, { model: 'tiny', modelVersion }, files, key);
  await completeVersion(stage.store, 'tiny', modelVersion, packageDigest);
  return modelVersion;
}

test(
  'who stages a version that a server refuses is told so, the champion goes on, and nothing is switched to it',
  async () => {
    await serve('forged');
    const modelVersion = await registerForged();
    const refused = [expect.stringMatching(/^Model server 'stage' is at epoch 1, .* is at 2: .*signed/)];
    expect(await done(['routes', 'stage', 'forged', modelVersion, ...why])).toMatchObject({
      epoch: 2,
      behind: refused,
    });
    expect(await heard('forged')).toEqual(['champion 1']);
    const ready = await get(stage.server.adminUrl, '/ready');
    expect(ready).toMatchObject({ status: 503, body: { problems: [expect.stringContaining('forged')] } });
    const switched = await onStage(stage, ['routes', 'switch', 'forged', '--to', 'challenger', ...why]);
    expect(errorOf(switched)).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining("'stage'") });

    await done(['routes', 'stage', 'forged', challenger.modelVersion, ...why]);
    expect(await heard('forged')).toEqual(['champion 3']);
    expect((await get(stage.server.adminUrl, '/ready')).status).toBe(200);
  },
  limit,
);

test(
  'a route that a stranger signed is not served until a person signs it, then at once',
  async () => {
    await serve('odd');
    const key = await openSigningKey(join(stage.homeFolder, 'stranger'));
    const arms = [{ name: 'champion', version: challenger, weight: 100 }] as const;
    const forged = { endpoint: 'odd', changeId: 'forged', arms, shadows: [], who: 'eve', why: 'forged' };
    await writeRoute(stage.store, forged, { expectedEpoch: 1, at: new Date().toISOString(), key });
    await until('it is refused', async () => {
      const { body } = await get(stage.server.url, '/endpoints/odd');
      return (body['problem'] as { readonly code: string } | null)?.code === 'ROUTE_UNTRUSTED';
    });
    expect(await heard('odd')).toEqual(['champion 1']);
    expect(await done(['routes', 'sign', 'odd', '--why', 'it is right'])).toMatchObject({ epoch: 3, behind: [] });
    expect(await heard('odd')).toEqual(['champion 3']);
    expect((await readRoute(stage.store, 'odd'))?.route.arms[0]?.version).toEqual(challenger);
  },
  limit,
);

test(
  'an API key counts from the moment at which its command ends, and no longer than it is there',
  async () => {
    await serve('keyed');
    const { key } = await done(['policy', 'add-key', 'keyed', '--name', 'website', ...why]);
    expect(await heard('keyed')).toEqual(['UNAUTHENTICATED']);
    expect(await heard('keyed', { 'x-api-key': String(key) })).toEqual(['champion 1']);
    await done(['policy', 'remove-key', 'keyed', '--name', 'website', ...why]);
    expect(await heard('keyed', { 'x-api-key': String(key) })).toEqual(['UNAUTHENTICATED']);
  },
  limit,
);
