import { isPlainName } from '../../domain/names.ts';

/** What a path asks of which endpoint, over which protocol. `endpoint` is empty where the path holds what cannot be one. */
export type HttpTarget = {
  readonly protocol: 'rest' | 'rows';
  readonly action: 'infer' | 'predict' | 'labels';
  readonly endpoint: string;
  readonly modelVersion: string | null;
};

const endpoints = '/endpoints/';
const models = '/v2/models/';

/**
 * Finds the paths that are posted to, `/v2/models/<endpoint>[/versions/<version>]/infer` and `/endpoints/<endpoint>/{predict,labels}`; null for all
 * others. Names need no decoding: what has to be encoded cannot be a name.
 */
export function httpTarget(url: string): HttpTarget | null {
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  if (path.startsWith(endpoints)) return rowsTarget(path);
  if (!path.startsWith(models) || !path.endsWith('/infer')) return null;
  const [name = '', versions, version, ...more] = path.slice(models.length, -'/infer'.length).split('/');
  if (versions !== undefined && (versions !== 'versions' || version === undefined || more.length > 0)) return null;
  return {
    protocol: 'rest',
    action: 'infer',
    endpoint: isPlainName(name) ? name : '',
    modelVersion: version ?? null,
  };
}

function rowsTarget(path: string): HttpTarget | null {
  const end = path.indexOf('/', endpoints.length);
  const name = path.slice(endpoints.length, end);
  const action = path.slice(end + 1);
  if (end === -1 || (action !== 'predict' && action !== 'labels')) return null;
  return { protocol: 'rows', action, endpoint: isPlainName(name) ? name : '', modelVersion: null };
}
