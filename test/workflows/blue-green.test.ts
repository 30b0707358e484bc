import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { planStage } from '../../cli/commands/routes-stage.ts';
import { planSwitch } from '../../cli/commands/routes-switch.ts';
import type { ChangeRequest } from '../../activities/release/contract.ts';
import type { ReleaseDecision } from '../../domain/decision.ts';
import { decide } from '../../domain/decide.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { Route } from '../../domain/route.ts';
import { reserveVersion } from '../../stores/registry.ts';
import { readRoute, writeRoute } from '../../stores/routes.ts';
import { removeServerReport, writeServerReport } from '../../stores/server-reports.ts';
import { openSigningKey } from '../../stores/signing/signing.ts';
import { createEndpointClient } from '../../workers/endpoint-client.ts';
import { closed, onStage, openStage, type Stage, startRun } from '../end-to-end/harness.ts';
import { writeProject } from '../end-to-end/project.ts';
import type { CommandResult } from '../support/cli.ts';
import { newVersion } from '../support/lineage.ts';
import { testKey, testTrust } from '../support/test-key.ts';
import { championOf, registerTiny, serveTiny } from './tiny-stage.ts';

const limit = 60_000;
const pipelines = {
  waits: { 'pipeline.ts': 'export async function waits() { await new Promise(() => undefined); }\n' },
};
let stage: Stage;
let champion: ModelReference;
let challenger: ModelReference;

beforeAll(async () => {
  stage = await openStage((folder) => writeProject(folder, pipelines));
  champion = await registerTiny(stage.store, 'one');
  challenger = await registerTiny(stage.store, 'two');
}, limit);
afterAll(() => stage?.close(), limit);

const command = (words: readonly string[]): Promise<CommandResult> => onStage(stage, words);

async function shares(endpoint: string): Promise<readonly string[]> {
  const route = (await readRoute(stage.store, endpoint))?.route;
  return route?.arms.map(({ name, version, weight }) => `${name} ${version.modelVersion}: ${weight}`) ?? [];
}

const why = ['--why', 'release 2'] as const;

/** What the commands ask of the endpoint's workflow. */
const plans = {
  stage: (endpoint: string, version: string) =>
    planStage(stage.store, testTrust, endpoint, { version, why: 'test', id: randomUUID() }),
  switch: (endpoint: string, to: 'champion' | 'challenger') =>
    planSwitch(stage.store, testTrust, endpoint, { to, why: 'test', id: randomUUID() }),
};

function send(request: ChangeRequest): Promise<Route> {
  return createEndpointClient(stage.client).change(request);
}

/** As a release would, which was judged against the champion. */
function change(endpoint: string, changeId: string, holder: string, more: object = {}): Promise<unknown> {
  const arms = [{ name: 'champion', version: champion, weight: 100 }] as const;
  return createEndpointClient(stage.client).change({
    change: { endpoint, changeId, arms, shadows: [], who: holder, why: 'test' },
    holder,
    expects: champion,
    done: true,
    ...more,
  });
}

test(
  'a version is staged without traffic, gets all of it, and gives it back; the alias stays',
  async () => {
    await serveTiny(stage.store, 'blue', champion);
    const nothing = await command(['routes', 'switch', 'blue', '--to', 'challenger', ...why]);
    expect([nothing.exitCode, nothing.stdout]).toEqual([2, expect.stringContaining('has no challenger')]);

    expect(await command(['routes', 'stage', 'blue', challenger.modelVersion, ...why])).toMatchObject({ exitCode: 0 });
    expect(await shares('blue')).toEqual(['champion 1: 100', 'challenger 2: 0']);

    const over = await command(['routes', 'switch', 'blue', '--to', 'challenger', ...why, '--who', 'ada']);
    expect(over).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(over.stdout)).toMatchObject({ endpoint: 'blue', epoch: 3 });
    expect(await shares('blue')).toEqual(['champion 1: 0', 'challenger 2: 100']);
    expect((await readRoute(stage.store, 'blue'))?.route).toMatchObject({ who: 'ada', why: 'switch: release 2' });
    const busy = await command(['routes', 'stage', 'blue', challenger.modelVersion, ...why]);
    expect([busy.exitCode, busy.stdout]).toEqual([2, expect.stringContaining('Switch back first')]);

    expect(await command(['routes', 'switch', 'blue', '--to', 'champion', ...why])).toMatchObject({ exitCode: 0 });
    expect(await shares('blue')).toEqual(['champion 1: 100', 'challenger 2: 0']);
    expect((await command(['routes', 'switch', 'blue', '--to', 'champion', ...why])).exitCode).toBe(2);
    expect(await championOf(stage.store)).toBe(champion.modelVersion);
  },
  limit,
);

test('what is staged must be another version that is ready, on an endpoint that is there', async () => {
  await serveTiny(stage.store, 'ready', champion);
  const message = expect.stringContaining('is the champion already');
  await expect(plans.stage('ready', champion.modelVersion)).rejects.toMatchObject({ code: 'INPUT_INVALID', message });
  await expect(plans.stage('ready', '77')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const { modelVersion } = await reserveVersion(stage.store, 'tiny', newVersion('three'));
  await expect(plans.stage('ready', modelVersion)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  const typo = expect.stringContaining("'raedy' not found");
  await expect(plans.stage('raedy', '2')).rejects.toMatchObject({ code: 'NOT_FOUND', message: typo });
});

test(
  'while a release holds the endpoint nobody stages on it',
  async () => {
    await serveTiny(stage.store, 'held', champion);
    const holder = await startRun(stage, 'waits', 'waits/blue', null);
    await change('held', 'first', holder.key.workflowId, { done: false });
    const refused = send(await plans.stage('held', challenger.modelVersion));
    await expect(refused).rejects.toMatchObject({ type: 'ENDPOINT_BUSY' });
    expect(await shares('held')).toEqual(['champion 1: 100']);
    await holder.handle.terminate();
    await closed(holder.handle);
  },
  limit,
);

/** An endpoint on which both versions are loaded and the challenger answers. */
async function switched(endpoint: string): Promise<void> {
  await serveTiny(stage.store, endpoint, champion);
  await send(await plans.stage(endpoint, challenger.modelVersion));
  await send(await plans.switch(endpoint, 'challenger'));
}

test(
  'a release does not overrule a switch, a promotion does',
  async () => {
    await switched('mine');
    await expect(change('mine', 'shadow', 'release/one')).rejects.toMatchObject({
      type: 'CONFLICT',
      message: expect.stringContaining('perdura routes switch mine --to champion'),
    });
    const guardrail = { metric: 'rows', rule: 'atLeast', limit: 10 } as const;
    const measurement = { metric: 'rows', value: 10, n: 10, unit: 'rows' } as const;
    const decided = decide([guardrail], [measurement], { champion: true });
    const decision: ReleaseDecision = { ...decided, challenger, champion };
    const promotion = { version: challenger, moveId: 'promote', who: 'release/one', decision };
    await expect(change('mine', 'promote', 'release/one', { promotion })).resolves.toMatchObject({ epoch: 4 });
  },
  limit,
);

test(
  'of two switches that saw the same route one is told to look again',
  async () => {
    await serveTiny(stage.store, 'race', champion);
    await send(await plans.stage('race', challenger.modelVersion));
    const both = await Promise.all([plans.switch('race', 'challenger'), plans.switch('race', 'challenger')]);
    const ends = await Promise.allSettled(both.map(send));
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { type: 'CONFLICT' } });
  },
  limit,
);

test(
  'a switch forth is refused while a server does not hold the challenger ready, a switch back is not',
  async () => {
    await switched('back');
    await serveTiny(stage.store, 'forth', champion);
    await send(await plans.stage('forth', challenger.modelVersion));
    const at = new Date().toISOString();
    const endpoints = ['back', 'forth'].map((endpoint) => ({ endpoint, epoch: 1, policyEpoch: 0, problem: null }));
    await writeServerReport(stage.store, { replica: 'lame', at, adminUrl: 'http://127.0.0.1:1', endpoints });
    const message = expect.stringContaining("'lame'");
    await expect(plans.switch('forth', 'challenger')).rejects.toMatchObject({ code: 'CONFLICT', message });
    await expect(plans.switch('back', 'champion')).resolves.toMatchObject({ onlyAtEpoch: 3 });
    await removeServerReport(stage.store, { replica: 'lame', at });
  },
  limit,
);

test(
  'a route that a stranger signed is neither changed nor released upon until a person signs it',
  async () => {
    await serveTiny(stage.store, 'odd', champion);
    const stranger = await openSigningKey(join(stage.homeFolder, 'stranger'));
    const arms = [{ name: 'champion', version: champion, weight: 100 }] as const;
    const forged = { endpoint: 'odd', changeId: 'forged', arms, shadows: [], who: 'eve', why: 'forged' };
    await writeRoute(stage.store, forged, { expectedEpoch: 1, at: new Date().toISOString(), key: stranger });
    await expect(change('odd', 'first', 'release/one')).rejects.toMatchObject({
      type: 'ROUTE_UNTRUSTED',
      message: expect.stringContaining(stranger.hint),
    });
    const refused = await command(['routes', 'stage', 'odd', challenger.modelVersion, ...why]);
    expect([refused.exitCode, refused.stdout]).toEqual([1, expect.stringContaining('ROUTE_UNTRUSTED')]);
    expect(await command(['routes', 'sign', 'odd', '--why', 'it is as it should be'])).toMatchObject({ exitCode: 0 });
    expect((await readRoute(stage.store, 'odd'))?.signature?.verificationMaterial.publicKey.hint).toBe(
      (await testKey()).hint,
    );
    await expect(change('odd', 'second', 'release/one')).resolves.toMatchObject({ epoch: 4 });
  },
  limit,
);
