import { canonicalJson } from '../domain/canonical-json.ts';
import { type EndpointPolicy, openPolicy } from '../domain/endpoint-policy.ts';
import { requireName } from '../domain/names.ts';
import { readDocument, updateDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { parsePolicySections, type PolicySections } from './policy-schema.ts';
import { isSignedDocument, requireSignedDocument, signDocument } from './signing/signed-document.ts';
import type { SignatureBundle, SigningKey } from './signing/signing.ts';
import type { TrustedKey } from './signing/trusted-keys.ts';

/** A policy as it stands in the bucket. `signature` is not checked: who follows it does that with `requireSignedDocument`. */
export type StoredPolicy = {
  readonly policy: EndpointPolicy;
  /** What `head` of the same key shows while it stands. */
  readonly etag: string;
  /** Null: it was never signed. */
  readonly signature: SignatureBundle | null;
};

/** Sections that are declared anew; those left out stay as they are. */
export type PolicyChange = Partial<PolicySections> & Pick<EndpointPolicy, 'who' | 'why'>;

export type PolicyWriteOptions = {
  readonly at: string;
  readonly key: SigningKey;
  /** Whose policy may be built upon; by default the key's own. */
  readonly trusted?: readonly TrustedKey[];
};

type SignedPolicy = EndpointPolicy & { readonly signature?: SignatureBundle };

const sectionNames = ['log', 'review', 'access', 'limits'] as const;

/** An endpoint's policy; null when none was declared. */
export async function readPolicy(store: ObjectStore, endpoint: string): Promise<StoredPolicy | null> {
  const found = await readDocument<SignedPolicy>(store, policyKey(endpoint));
  if (found === null) return null;
  const { signature = null, ...policy } = found.value;
  return { policy, etag: found.version.etag, signature };
}

/**
 * Declares sections of a policy by compare-and-set, signed. Repeating it with the same time changes nothing.
 *
 * @throws CodedError INPUT_INVALID that lists every problem at once; ROUTE_UNTRUSTED when a section would be taken over from a policy that is
 * not trusted: declare all four then.
 */
export function writePolicy(
  store: ObjectStore,
  endpoint: string,
  change: PolicyChange,
  options: PolicyWriteOptions,
): Promise<EndpointPolicy> {
  return editPolicy(store, endpoint, () => change, options);
}

/**
 * Changes a policy by what stands: `edit` is applied again to the newer one when another writer was first, so it must be pure.
 *
 * @throws CodedError as `writePolicy`, and whatever `edit` throws.
 */
export async function editPolicy(
  store: ObjectStore,
  endpoint: string,
  edit: (current: EndpointPolicy) => PolicyChange,
  { at, key, trusted = [{ ...key, file: 'the key that signs' }] }: PolicyWriteOptions,
): Promise<EndpointPolicy> {
  requireName('endpoint', endpoint);
  const name = policyKey(endpoint);
  const { value } = await updateDocument<SignedPolicy>(store, name, (stored) => {
    const { signature, ...current }: SignedPolicy = stored ?? openPolicy(endpoint);
    const { who, why, ...declared } = edit(current);
    const sections = parsePolicySections(endpoint, declared);
    const keeps = sectionNames.some((section) => !(section in sections));
    if (stored !== null && keeps) requireSignedDocument(name, current, signature, trusted);
    const { log, review, access, limits } = { ...current, ...sections };
    const wanted = { endpoint, epoch: current.epoch, log, review, access, limits, at, who, why };
    const isSame = canonicalJson(wanted) === canonicalJson(current);
    if (stored !== null && isSame && isSignedDocument(name, current, signature, trusted)) return stored;
    const policy = { ...wanted, epoch: current.epoch + 1 };
    return { ...policy, signature: signDocument(key, name, policy) };
  });
  const { signature: _, ...policy } = value;
  return policy;
}

/** Where an endpoint's policy stands: the name that its signature is about. */
export function policyKey(endpoint: string): string {
  return `policies/${endpoint}.json`;
}
