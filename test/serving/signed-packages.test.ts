import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ModelReference, packageFolder } from '../../domain/model-package.ts';
import { readPackageManifest } from '../../stores/packages.ts';
import { signedFiles, signPackage } from '../../stores/signing/package-signature.ts';
import { openSigningKey, type SigningKey, signingKeyFile } from '../../stores/signing/signing.ts';
import { testKey } from '../support/test-key.ts';
import { putTinyPackage } from '../support/tiny-model.ts';
import { flight, get, post, type Serving, setRoute, until, withServing } from './harness.ts';

const atMostMs = 60_000;
let serving: Serving;
let folder: string;
let stranger: SigningKey;
let ours: ModelReference;
let theirs: ModelReference;

beforeAll(async () => {
  serving = await withServing();
  folder = await mkdtemp(join(tmpdir(), 'perdura-signed-'));
  stranger = await openSigningKey(join(folder, 'stranger'));
  ours = await putTinyPackage(serving.store, { model: 'flights', modelVersion: '1' }, { bias: 1 });
  theirs = await putTinyPackage(serving.store, { model: 'flights', modelVersion: '2' }, { bias: 2 });
  const manifest = await readPackageManifest(serving.store, theirs);
  const signature = signPackage(stranger, theirs, signedFiles(manifest, theirs.packageDigest));
  await serving.store.write(`${packageFolder(theirs)}model.sig`, Buffer.from(JSON.stringify(signature)));
}, atMostMs);

afterAll(async () => {
  await serving.close();
  await rm(folder, { recursive: true, force: true });
}, atMostMs);

const predict = (url: string, endpoint: string) => post(url, `/endpoints/${endpoint}/predict`, { record: flight });

test(
  'a route to a package of an unknown signer does not come into force, and the one before goes on answering',
  async () => {
    await setRoute(serving.store, 'guarded', { champion: ours });
    const server = await serving.start();
    expect((await predict(server.url, 'guarded')).status).toBe(200);
    await setRoute(serving.store, 'guarded', { champion: theirs });
    const problem = async () => (await get(server.url, '/endpoints/guarded')).body['problem'];
    await until('the route was refused', async () => (await problem()) !== null);
    expect(await problem()).toMatchObject({
      code: 'PACKAGE_UNSIGNED',
      message: expect.stringContaining(`signed with key ${stranger.hint}; trusted here are ${(await testKey()).hint}`),
    });
    expect(await predict(server.url, 'guarded')).toMatchObject({ status: 200, body: { modelVersion: '1' } });
    await server.stop();
  },
  atMostMs,
);

test(
  'a server that trusts the signer answers with it, and one that does not refuses it at its start, also from its own disk',
  async () => {
    await setRoute(serving.store, 'foreign', { champion: theirs });
    const publicKey = join(folder, 'stranger.pub');
    await writeFile(publicKey, stranger.publicPem);
    // Routes are signed by another than this package is.
    const ownKey = signingKeyFile(join(serving.homeFolder, 'keys'));
    const trusting = await serving.start({ replica: 'trusting', trustedKeys: [publicKey, ownKey] });
    expect(await predict(trusting.url, 'foreign')).toMatchObject({ status: 200, body: { modelVersion: '2' } });
    await trusting.stop();
    const strict = await serving.start({ replica: 'strict' });
    expect(await predict(strict.url, 'foreign')).toMatchObject({ status: 503, body: { code: 'PACKAGE_UNSIGNED' } });
    await strict.stop();
  },
  atMostMs,
);

test(
  'a package without a signature is refused',
  async () => {
    const bare = { model: 'bare', modelVersion: '1' };
    for (const name of ['model.onnx', 'features.mjs', 'signature.json', 'profile.json', 'manifest.json']) {
      const { bytes } = await serving.store.read(`${packageFolder(ours)}${name}`);
      await serving.store.write(`${packageFolder(bare)}${name}`, bytes);
    }
    await setRoute(serving.store, 'bare', { champion: { ...bare, packageDigest: ours.packageDigest } });
    const server = await serving.start({ replica: 'bare' });
    const { status, body } = await predict(server.url, 'bare');
    expect([status, body['code']]).toEqual([503, 'PACKAGE_UNSIGNED']);
    expect(String(body['message'])).toContain('has no signature');
    await server.stop();
  },
  atMostMs,
);
