import { decide } from '../../domain/decide.ts';
import type { ReleaseDecision } from '../../domain/decision.ts';
import { type ModelReference, packageFolder } from '../../domain/model-package.ts';
import { planRollBack } from '../../cli/commands/models-rollback.ts';
import { readRegistry } from '../../stores/registry.ts';
import { readRoute } from '../../stores/routes.ts';
import { createEndpointClient } from '../../workers/endpoint-client.ts';
import { onStage, openStage, type Stage } from '../end-to-end/harness.ts';
import { writeProject } from '../end-to-end/project.ts';
import type { CommandResult } from '../support/cli.ts';
import { championOf, registerTiny, serveTiny } from './tiny-stage.ts';

const limit = 60_000;
const pipelines = { idle: { 'pipeline.ts': 'export async function idle() {}\n' } };
let stage: Stage;
let versions: readonly [ModelReference, ModelReference, ModelReference];

beforeAll(async () => {
  stage = await openStage((folder) => writeProject(folder, pipelines));
  const [first, second, third] = ['one', 'two', 'three'].map((id) => () => registerTiny(stage.store, id));
  if (first === undefined || second === undefined || third === undefined) throw new Error('no versions');
  versions = [await first(), await second(), await third()];
  await serveTiny(stage.store, 'tiny', versions[0]);
}, limit);
afterAll(() => stage?.close(), limit);

/** What `evaluate` would give on enough rows. */
function decision(version: ModelReference, champion: ModelReference): ReleaseDecision {
  const measurement = { metric: 'rows', value: 10, n: 10, unit: 'rows' } as const;
  const guardrail = { metric: 'rows', rule: 'atLeast', limit: 10 } as const;
  return { ...decide([guardrail], [measurement], { champion: true }), challenger: version, champion };
}

/** As the step `promote` asks for it. */
function promote(version: ModelReference, champion: ModelReference, id: string): Promise<unknown> {
  const end = { version, moveId: id, who: 'release/test', decision: decision(version, champion) };
  const arms = [{ name: 'champion', version, weight: 100 }] as const;
  return createEndpointClient(stage.client).change({
    change: { endpoint: 'tiny', changeId: id, arms, shadows: [], who: 'release/test', why: 'test' },
    holder: 'release/test',
    expects: champion,
    done: true,
    promotion: end,
  });
}

function command(words: readonly string[]): Promise<CommandResult> {
  return onStage(stage, ['models', ...words]);
}

async function serving(): Promise<readonly string[]> {
  const route = (await readRoute(stage.store, 'tiny'))?.route;
  return route?.arms.map(({ version, weight }) => `${version.modelVersion}: ${weight}`) ?? [];
}

async function altered<Result>(version: ModelReference, work: () => Promise<Result>): Promise<Result> {
  const key = `${packageFolder(version)}model.onnx`;
  const { bytes } = await stage.store.read(key);
  await stage.store.write(
    key,
    bytes.map((byte, index) => (index === 9 ? byte ^ 1 : byte)),
  );
  try {
    return await work();
  } finally {
    await stage.store.write(key, bytes);
  }
}

test(
  'champion and route go back together, each time by one, with who and why',
  async () => {
    await promote(versions[1], versions[0], 'p2');
    await promote(versions[2], versions[1], 'p3');
    expect(await serving()).toEqual(['3: 100']);

    const back = await command(['rollback', 'tiny', '--why', 'noon was wrong', '--who', 'ada']);
    expect({ ...back, stdout: JSON.parse(back.stdout) as unknown }).toMatchObject({
      exitCode: 0,
      stdout: { model: 'tiny', from: '3', to: '2', endpoint: 'tiny', epoch: 4 },
    });
    expect(await serving()).toEqual(['2: 100']);
    const registry = await readRegistry(stage.store, 'tiny');
    expect(registry?.aliases.champion).toBe('2');
    expect(registry?.moves.at(-1)).toMatchObject({ from: '3', to: '2', who: 'ada', why: 'noon was wrong' });
    const route = (await readRoute(stage.store, 'tiny'))?.route;
    expect(route).toMatchObject({ who: 'ada', why: 'roll back from version 3 to version 2: noon was wrong' });

    expect((await command(['rollback', 'tiny', '--why', 'still wrong'])).exitCode).toBe(0);
    expect([await championOf(stage.store), await serving()]).toEqual(['1', ['1: 100']]);
    const none = await command(['rollback', 'tiny', '--why', 'all wrong']);
    expect(none.exitCode).toBe(2);
    expect(none.stdout).toContain('is the first champion');

    expect((await command(['rollback', 'tiny', '--why', 'it was fine', '--to', '3'])).exitCode).toBe(0);
    expect([await championOf(stage.store), await serving()]).toEqual(['3', ['3: 100']]);
  },
  limit,
);

test('of two that go back at once one is told that the champion has moved', async () => {
  const before = await championOf(stage.store);
  const to = before === '3' ? '1' : '3';
  const plans = await Promise.all(['a', 'b'].map((id) => planRollBack(stage.store, 'tiny', { why: 'twice', to, id })));
  const client = createEndpointClient(stage.client);
  const ends = await Promise.allSettled(plans.map((plan) => client.change(plan)));
  expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { type: 'CONFLICT' } });
  expect([await championOf(stage.store), await serving()]).toEqual([to, [`${to}: 100`]]);
});

test('a roll back that is sent again is done once', async () => {
  const to = (await championOf(stage.store)) === '2' ? '1' : '2';
  const plan = await planRollBack(stage.store, 'tiny', { why: 'once', to, id: 'again' });
  const client = createEndpointClient(stage.client);
  const first = await client.change(plan);
  expect(await client.change(plan)).toEqual(first);
  const moves = (await readRegistry(stage.store, 'tiny'))?.moves ?? [];
  expect(moves.filter(({ moveId }) => moveId === plan.rollBack.moveId)).toHaveLength(1);
});

test(
  'a package that was altered in the bucket is neither promoted nor gone back to, and verify names it',
  async () => {
    const champion = await championOf(stage.store);
    const [mine, other] = champion === '1' ? [versions[0], versions[1]] : [versions[1], versions[0]];
    expect(mine.modelVersion).toBe(champion);
    const [promotion, plan, verify] = await altered(other, async () => [
      await promote(other, mine, 'altered').catch((error: unknown) => error),
      await command(['rollback', 'tiny', '--why', 'back', '--to', other.modelVersion]),
      await command(['verify', 'tiny']),
    ]);
    expect(promotion).toMatchObject({ type: 'PACKAGE_ALTERED' });
    expect([plan.exitCode, plan.stdout]).toEqual([1, expect.stringContaining('PACKAGE_ALTERED')]);
    expect(verify.exitCode).toBe(1);
    expect(JSON.parse(verify.stdout)).toMatchObject({
      findings: [{ what: `version ${other.modelVersion}`, code: 'PACKAGE_ALTERED' }],
    });
    expect([await championOf(stage.store), await serving()]).toEqual([champion, [`${champion}: 100`]]);
    expect((await command(['verify', 'tiny'])).exitCode).toBe(0);
  },
  limit,
);

test('a package whose signature names a key that is not trusted is not promoted', async () => {
  const champion = await championOf(stage.store);
  const standing = versions.find(({ modelVersion }) => modelVersion === champion);
  if (standing === undefined || standing === versions[2]) throw new Error(`The champion is ${champion}.`);
  const key = `${packageFolder(versions[2])}model.sig`;
  const { bytes } = await stage.store.read(key);
  const text = Buffer.from(bytes).toString();
  const hint = /"hint":"([0-9a-f]{64})"/.exec(text)?.[1] ?? '';
  await stage.store.write(key, Buffer.from(text.replace(hint, 'a'.repeat(64))));
  const promotion = promote(versions[2], standing, 'unsigned');
  await expect(promotion).rejects.toMatchObject({
    type: 'PACKAGE_UNSIGNED',
    message: expect.stringContaining(`is signed with key ${'a'.repeat(64)}; trusted here are ${hint}`),
  });
  await stage.store.write(key, bytes);
  expect(await championOf(stage.store)).toBe(champion);
});
