import { randomBytes } from 'node:crypto';

import type { AccessPolicy, EndpointPolicy } from '../../domain/endpoint-policy.ts';
import { CodedError } from '../../domain/errors.ts';
import { sha256Hex } from '../../stores/digest.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { writingBucket } from '../snapshots.ts';
import { declare, type PolicyOptions } from './policy-set.ts';

export type AddKeyOptions = PolicyOptions & {
  readonly name: string;
  readonly tester?: boolean;
  readonly requestsPerSecond?: number;
};

/** `perdura policy add-key`: makes a key, prints it once and stores its digest. The first key closes the endpoint to everybody else. */
export function policyAddKey(context: Context, endpoint: string, options: AddKeyOptions): Promise<number> {
  const { name, tester = false, requestsPerSecond = null } = options;
  return writingBucket(context, async (open) => {
    const key = `perdura_${randomBytes(32).toString('base64url')}`;
    const sha256 = sha256Hex(key);
    const edit = ({ access }: EndpointPolicy) => {
      const { apiKeys, oidc } = access ?? { apiKeys: [], oidc: null };
      const named = apiKeys.find((each) => each.name === name);
      // After a lost answer the change is applied to its own effect.
      if (named?.sha256 === sha256) return { access: { apiKeys, oidc } };
      if (named !== undefined) throw taken(endpoint, name);
      return { access: { apiKeys: [...apiKeys, { name, sha256, tester, requestsPerSecond }], oidc } };
    };
    const { policy, behind } = await declare(context, open, { ...options, endpoint, edit });
    context.output.answer({ endpoint, epoch: policy.epoch, name, key, behind }, () =>
      [`Key '${name}' of endpoint ${endpoint}, shown this once; clients send it as x-api-key:`, key].join('\n'),
    );
    return 0;
  });
}

/** `perdura policy remove-key`: takes a key away. Without its last key the endpoint stays closed, it does not open. */
export function policyRemoveKey(
  context: Context,
  endpoint: string,
  options: PolicyOptions & { readonly name: string },
): Promise<number> {
  const { name } = options;
  return writingBucket(context, async (open) => {
    let isFirst = true;
    const edit = ({ access }: EndpointPolicy): { readonly access: AccessPolicy } => {
      const { apiKeys, oidc } = access ?? { apiKeys: [], oidc: null };
      const rest = apiKeys.filter((each) => each.name !== name);
      if (isFirst && rest.length === apiKeys.length)
        throw unknown(
          endpoint,
          name,
          apiKeys.map((each) => each.name),
        );
      isFirst = false;
      return { access: { apiKeys: rest, oidc } };
    };
    const { policy, behind } = await declare(context, open, { ...options, endpoint, edit });
    const closed = policy.access?.apiKeys.length === 0 && policy.access.oidc === null;
    context.output.answer({ endpoint, epoch: policy.epoch, name, closed, behind }, () =>
      closed
        ? `Key '${name}' is gone. Endpoint ${endpoint} has no key left, so that nobody may ask; open it with "access": null.`
        : `Key '${name}' of endpoint ${endpoint} is gone.`,
    );
    return 0;
  });
}

function taken(endpoint: string, name: string): CodedError {
  return usageError(
    'INPUT_INVALID',
    `Endpoint '${endpoint}' has a key '${name}' already. Choose another name, or take that one away with 'perdura policy remove-key'.`,
  );
}

function unknown(endpoint: string, name: string, names: readonly string[]): CodedError {
  return new CodedError(
    'NOT_FOUND',
    `Endpoint '${endpoint}' has no key '${name}'${names.length === 0 ? '' : `, only ${names.join(', ')}`}. See 'perdura policy show ${endpoint}'.`,
  );
}
