import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** An issuer of tokens on this machine: its discovery document, its keys, and what it signs. */
export type Issuer = {
  readonly url: string;
  /** How often its keys were fetched. */
  fetched(): number;
  /** The public key that is in use, as it gives it out. */
  publicKey(): JWK;
  token(claims?: Readonly<Record<string, unknown>>, options?: TokenOptions): Promise<string>;
  /** From now on it signs by a new key, and gives out only that one. */
  rotate(): Promise<void>;
  close(): Promise<void>;
  /** Answers again under the same address. */
  open(): Promise<void>;
};

export type TokenOptions = { readonly issuer?: string; readonly audience?: string; readonly expiresAt?: Date };

export const audience = 'perdura-flights';

export async function startIssuer(): Promise<Issuer> {
  let fetched = 0;
  let keys = await newKeys(1);
  const server = createServer((request, response) => {
    const found =
      request.url === '/.well-known/openid-configuration'
        ? { issuer: url(), jwks_uri: `${url()}/keys` }
        : { keys: [keys.public] };
    if (request.url === '/keys') fetched += 1;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(found));
  });
  const open = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
  await open(0);
  const { port } = server.address() as AddressInfo;
  const url = (): string => `http://127.0.0.1:${port}`;
  return {
    url: url(),
    fetched: () => fetched,
    publicKey: () => keys.public,
    token: (claims = {}, options = {}) =>
      new SignJWT({ sub: 'ada', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: keys.kid })
        .setIssuer(options.issuer ?? url())
        .setAudience(options.audience ?? audience)
        .setExpirationTime(options.expiresAt ?? new Date(Date.now() + 3_600_000))
        .sign(keys.private),
    async rotate() {
      keys = await newKeys(2);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    open: () => open(port),
  };
}

type Keys = { readonly kid: string; readonly private: CryptoKey; readonly public: JWK };

async function newKeys(number: number): Promise<Keys> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const kid = `key-${number}`;
  return { kid, private: privateKey, public: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } };
}
