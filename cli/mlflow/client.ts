import { CodedError } from '../../domain/errors.ts';
import { usageError } from '../errors.ts';

/** The tracking server's REST interface, as far as an export needs it. */
export type MlflowClient = {
  /** Reads `/api/2.0/mlflow/<path>`; null when the server answers RESOURCE_DOES_NOT_EXIST. */
  find(path: string, query: Readonly<Record<string, string>>): Promise<Json | null>;
  /** Asks `/api/2.0/mlflow/<path>` to do something. */
  call(method: 'POST' | 'DELETE', path: string, body: Json): Promise<Json>;
  /** Puts a file below an artifact address that the server gave out. */
  putArtifact(artifactUri: string, name: string, body: Blob): Promise<void>;
};

export type Json = { readonly [name: string]: unknown };

/**
 * Speaks to an MLflow tracking server (3.x), https://mlflow.org/docs/latest/rest-api.html. Credentials in the address go into the header.
 *
 * @throws CodedError INPUT_INVALID for what is no address; from each call SERVICE_UNAVAILABLE when nothing answers or the server itself
 * fails, INPUT_INVALID with the server's own words when it refuses.
 */
export function createMlflowClient(address: string): MlflowClient {
  const url = serverUrl(address);
  const authorization =
    url.username === ''
      ? {}
      : {
          authorization: `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}`,
        };
  const base = `${url.origin}${url.pathname.replace(/\/$/, '')}`;

  const send = async (target: string, init: Sent): Promise<Response> => {
    try {
      return await fetch(target, { ...init, headers: { ...init.headers, ...authorization } });
    } catch (cause) {
      throw new CodedError(
        'SERVICE_UNAVAILABLE',
        `MLflow does not answer at ${base}. Start it or correct --to, and export again: what is there already is left as it is.`,
        { cause },
      );
    }
  };

  const ask = async (method: string, path: string, body: string | null): Promise<AskedFor> => {
    const response = await send(`${base}/api/2.0/mlflow/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body,
    });
    return { ok: response.ok, status: response.status, text: await response.text() };
  };

  return {
    async find(path, query) {
      const { ok, status, text } = await ask('GET', `${path}?${new URLSearchParams(query).toString()}`, null);
      if (ok) return parsed(text, path);
      if (text.includes('RESOURCE_DOES_NOT_EXIST')) return null;
      throw refused(`GET ${path}`, status, text);
    },
    async call(method, path, body) {
      const { ok, status, text } = await ask(method, path, JSON.stringify(body));
      if (ok) return parsed(text, path);
      throw refused(`${method} ${path}`, status, text);
    },
    async putArtifact(artifactUri, name, body) {
      const path = artifactPath(artifactUri, name);
      const response = await send(`${base}/api/2.0/mlflow-artifacts/artifacts/${path}`, { method: 'PUT', body });
      if (!response.ok) throw refused(`PUT ${path}`, response.status, await response.text());
    },
  };
}

type Sent = Pick<RequestInit, 'method' | 'body'> & { readonly headers?: Readonly<Record<string, string>> };
type AskedFor = { readonly ok: boolean; readonly status: number; readonly text: string };

function serverUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw usageError('INPUT_INVALID', `--to '${address}' is no address of a server. Write it as http://127.0.0.1:5000.`);
}

/** The part of an artifact address that the server's proxy takes. */
function artifactPath(artifactUri: string, name: string): string {
  if (!artifactUri.startsWith('mlflow-artifacts:/'))
    throw new CodedError(
      'INPUT_INVALID',
      `The MLflow server keeps artifacts at ${artifactUri}, which it does not take itself. Start it with --serve-artifacts.`,
    );
  const root = artifactUri.replace(/^mlflow-artifacts:\/+/, '').replace(/\/$/, '');
  return [...root.split('/'), ...name.split('/')].map(encodeURIComponent).join('/');
}

function parsed(text: string, path: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new CodedError('INPUT_INVALID', `What answers at ${path} is no MLflow server. Correct --to.`, { cause });
  }
}

/** A server that fails may do better later; one that refuses will not. */
function refused(what: string, status: number, text: string): CodedError {
  const failed = status >= 500;
  return new CodedError(
    failed ? 'SERVICE_UNAVAILABLE' : 'INPUT_INVALID',
    `MLflow ${failed ? 'failed at' : 'refused'} ${what} with ${status}: ${text.slice(0, 400)}`,
    { details: { status } },
  );
}
