import { type EndpointPolicy, openPolicy } from '../../domain/endpoint-policy.ts';
import { isCoded } from '../../domain/errors.ts';
import { policyKey, readPolicy, type StoredPolicy } from '../../stores/policies.ts';
import { requireSignedDocument } from '../../stores/signing/signed-document.ts';
import type { TrustedKey } from '../../stores/signing/trusted-keys.ts';
import type { Context } from '../context.ts';
import { localPackages } from '../local-packages.ts';
import { moment } from '../output.ts';
import { readingBucket } from '../snapshots.ts';

/** `perdura policy show`: what an endpoint's owner declared, as `policy set` takes it. Exits 1 when model servers would not trust it. */
export function policyShow(context: Context, endpoint: string): Promise<number> {
  return readingBucket(context, async ({ store, config }) => {
    const found = await readPolicy(store, endpoint);
    const problem = found === null ? null : problemOf(endpoint, found, await localPackages(config).trusted());
    const { epoch, at, who, why, ...policy } = found?.policy ?? openPolicy(endpoint);
    const { log, review, access, limits } = policy;
    const sections = { log, review, access, limits };
    context.output.answer({ endpoint, epoch, declared: found !== null, policy: sections, at, who, why, problem }, () =>
      [
        describe({ ...policy, epoch, at, who, why }, found !== null),
        ...(problem === null ? [] : [problem]),
        JSON.stringify(sections, null, 2),
      ].join('\n'),
    );
    return problem === null ? 0 : 1;
  });
}

function problemOf(endpoint: string, found: StoredPolicy, trusted: readonly TrustedKey[]): string | null {
  try {
    requireSignedDocument(policyKey(endpoint), found.policy, found.signature, trusted);
    return null;
  } catch (error) {
    if (isCoded(error, 'ROUTE_UNTRUSTED')) return error.message;
    throw error;
  }
}

function describe({ endpoint, epoch, at, who, why }: EndpointPolicy, isDeclared: boolean): string {
  return isDeclared
    ? `Policy of endpoint ${endpoint}, epoch ${epoch}, since ${moment(at)} by ${who}: ${why}`
    : `Endpoint ${endpoint} has no policy of its own; this holds:`;
}
