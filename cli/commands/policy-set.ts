import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { EndpointPolicy } from '../../domain/endpoint-policy.ts';
import { editPolicy, type PolicyChange } from '../../stores/policies.ts';
import { readRoute } from '../../stores/routes.ts';
import { openTrustedSigningKey } from '../../stores/signing/trusted-keys.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { localPackages } from '../local-packages.ts';
import { unknownColumns } from '../policy-columns.ts';
import { type OpenBucket, signed, writingBucket } from '../snapshots.ts';
import { tellServers } from '../tell-servers.ts';

export type PolicyOptions = { readonly why: string; readonly who?: string };

/** `perdura policy set`: declares the sections of a file; those that it leaves out stay as they are. */
export async function policySet(
  context: Context,
  endpoint: string,
  options: PolicyOptions & { readonly file: string },
): Promise<number> {
  const declared = await readDeclared(resolve(context.folder, options.file));
  return writingBucket(context, async (open) => {
    const { policy, behind } = await declare(context, open, { ...options, endpoint, edit: () => declared });
    const unknown = await unknownColumns(open.store, endpoint, policy.log);
    if (unknown.length > 0) context.output.progress(noSuchColumn(unknown));
    const answer = { endpoint, epoch: policy.epoch, behind, unknownColumns: unknown };
    context.output.answer(answer, () => `The policy of endpoint ${endpoint} is at epoch ${policy.epoch}.`);
    return 0;
  });
}

function noSuchColumn(columns: readonly string[]): string {
  const names = columns.map((column) => `'${column}'`).join(', ');
  return `Neither a field of the champion's records nor a feature: ${names}. Only what clients send under that very name is meant.`;
}

/**
 * Writes a policy, tells the model servers and waits for them: who takes a key away wants to know that it is gone.
 *
 * @throws CodedError of `editPolicy`; ROUTE_UNTRUSTED when this machine's key is not trusted here.
 */
export async function declare(
  { output }: Context,
  { store, config }: OpenBucket,
  options: PolicyOptions & {
    readonly endpoint: string;
    readonly edit: (current: EndpointPolicy) => Omit<PolicyChange, 'who' | 'why'>;
  },
): Promise<{ readonly policy: EndpointPolicy; readonly behind: readonly string[] }> {
  const { endpoint, edit } = options;
  const { trusted } = localPackages(config);
  const key = await openTrustedSigningKey(join(config.homeFolder, 'keys'), trusted, 'ROUTE_UNTRUSTED');
  const { at, ...by } = signed(options.why, 'policy');
  const { who = by.who } = options;
  const change = (current: EndpointPolicy): PolicyChange => ({ ...edit(current), who, why: by.why });
  const policy = await editPolicy(store, endpoint, change, { at, key, trusted: await trusted() });
  if ((await readRoute(store, endpoint)) === null) {
    output.progress(`Endpoint '${endpoint}' has no route yet; the policy holds from its first on.`);
    return { policy, behind: [] };
  }
  return { policy, behind: await tellServers(output, { what: 'policy', endpoint, epoch: policy.epoch }, { store }) };
}

async function readDeclared(file: string): Promise<Omit<PolicyChange, 'who' | 'why'>> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw usageError('INPUT_INVALID', `${file} cannot be read (${error.message}). Name a JSON file with --file.`);
  });
  try {
    const declared: unknown = JSON.parse(text);
    if (typeof declared === 'object' && declared !== null && !Array.isArray(declared)) return declared;
  } catch (cause) {
    throw usageError('INPUT_INVALID', `${file} is not JSON (${(cause as Error).message}). Correct it.`);
  }
  throw usageError('INPUT_INVALID', `${file} holds no JSON object. Write sections such as { "limits": {} }.`);
}
