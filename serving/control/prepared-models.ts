import type { EndpointPolicy, LogPolicy } from '../../domain/endpoint-policy.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { Route } from '../../domain/route.ts';
import type { Host, Hosts, ShadowHost } from '../hosting/hosts.ts';
import type { ModelPlan, PreparedModel } from '../models/model-plan.ts';
import type { PreparedArm, PreparedEndpoint } from '../prepared-endpoint.ts';

/** An endpoint with every package on this machine, checked and measured, and with its hosts. */
export type HeldEndpoint = {
  readonly endpoint: PreparedEndpoint;
  /** It is in force: its shadows log under its route and policy from now on. */
  applied(): void;
  /** Call it once no process answers by it: its hosts end, after requests that began on it. */
  release(): void;
};

/** Prepares endpoints. It owns the hosts of their packages. */
export type PreparedModels = {
  /** Prepares all packages of an endpoint, or none. @throws CodedError PACKAGE_ALTERED, PACKAGE_UNSIGNED, MODEL_INVALID, SERVICE_UNAVAILABLE. */
  prepare(of: Terms): Promise<HeldEndpoint>;
  /** Has all hosts report. */
  askHosts(): Promise<void>;
};

export type PreparedModelsOptions = {
  /** Brings a package onto this machine, checked, and names its folder. */
  readonly fetch: (reference: ModelReference) => Promise<string>;
  readonly plan: (of: { readonly reference: ModelReference; readonly folder: string }) => Promise<ModelPlan>;
  readonly hosts: Hosts;
  readonly report: (line: string) => void;
};

type Terms = { readonly route: Route; readonly policy: EndpointPolicy };
type Unhosted = Omit<PreparedModel, 'socket'>;
/** What is held for one endpoint, in the order in which it was taken. */
type Held = { readonly hosts: Host[]; readonly shadows: SharedShadow[] };
type SharedShadow = {
  readonly key: string;
  readonly host: Promise<ShadowHost>;
  users: number;
  /** Logs no more from now on than the policy in force and `next` both let it. */
  tighten(next: EndpointPolicy): Promise<void>;
  /** Logs under these terms from now on. */
  apply(terms: Terms): void;
};

/** A host outlives its endpoint for so long: requests that began on it end on it. */
const releaseAfterMs = 10_000;

/** Nothing is fetched or started before the first `prepare`. */
export function createPreparedModels(options: PreparedModelsOptions): PreparedModels {
  const shadows = new Map<string, SharedShadow>();
  /** One for each holder of a host. */
  const live = new Set<Host>();

  const fetchOne = async (reference: ModelReference): Promise<Unhosted> => {
    const folder = await options.fetch(reference);
    return { reference, folder, plan: await options.plan({ reference, folder }) };
  };
  const hosted = async (prepared: Unhosted, held: Held): Promise<PreparedModel> => {
    if (prepared.plan.placement === 'answering') return { ...prepared, socket: null };
    const host = await options.hosts.live(prepared);
    held.hosts.push(host);
    live.add(host);
    return { ...prepared, socket: host.socket };
  };
  /** One host an endpoint and package, whatever the epoch: a route that keeps its shadow does not load it again. */
  const shadow = async (prepared: Unhosted, terms: Terms, held: Held): Promise<PreparedModel> => {
    const key = `${terms.route.endpoint} ${prepared.reference.model} ${prepared.reference.packageDigest}`;
    const known = shadows.get(key);
    const shared = known ?? sharedShadow(key, options.hosts.shadow({ prepared, ...terms }), terms);
    shadows.set(key, shared);
    shared.users += 1;
    held.shadows.push(shared);
    // Copies of requests under the new policy may reach the host before the host hears that it is in force.
    if (known !== undefined) await known.tighten(terms.policy);
    return { ...prepared, socket: (await shared.host).socket };
  };
  const letGo = (held: Held): void => {
    for (const host of held.hosts) live.delete(host);
    const ending = held.hosts.map((host) => host.close());
    for (const shared of held.shadows) {
      shared.users -= 1;
      if (shared.users > 0) continue;
      if (shadows.get(shared.key) === shared) shadows.delete(shared.key);
      // One that did not start has nothing to close.
      ending.push(shared.host.then((host) => host.close()).catch(() => undefined));
    }
    Promise.all(ending).catch((error: unknown) => options.report(`A host did not end: ${String(error)}`));
  };

  return {
    async prepare(terms) {
      const held: Held = { hosts: [], shadows: [] };
      const arms = terms.route.arms.map(async ({ name, weight, version }): Promise<PreparedArm> => {
        return { name, weight, model: await hosted(await fetchOne(version), held) };
      });
      const watching = terms.route.shadows.map(async (version) => shadow(await fetchOne(version), terms, held));
      // All are watched from the beginning: a shadow that fails while an arm is measured must be nobody's unhandled rejection.
      await Promise.allSettled([...arms, ...watching]);
      try {
        const endpoint = { ...terms, arms: await all(arms), shadows: await all(watching) };
        return {
          endpoint,
          applied: () => tellShadows(held, terms),
          release: () => void setTimeout(letGo, releaseAfterMs, held).unref(),
        };
      } catch (error) {
        letGo(held);
        throw error;
      }
    },
    async askHosts() {
      const settled = await Promise.allSettled([...shadows.values()].map((shared) => shared.host));
      const all = [...live, ...settled.flatMap((found) => (found.status === 'fulfilled' ? [found.value] : []))];
      const each = new Map(all.map((host) => [host.socket, host]));
      // One that is away is started again, and counts anew.
      await Promise.allSettled([...each.values()].map((host) => host.report()));
    },
  };
}

/** Waits for all of them, also when one fails: what the others took must be there to be let go of. */
async function all<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  const results = await Promise.allSettled(promises);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return Promise.all(promises);
}

function tellShadows(held: Held, terms: Terms): void {
  for (const shared of held.shadows) shared.apply(terms);
}

function sharedShadow(key: string, host: Promise<ShadowHost>, first: Terms): SharedShadow {
  let terms = first;
  return {
    key,
    host,
    users: 0,
    async tighten(next) {
      const { policy } = terms;
      (await host).update({ ...terms, policy: { ...policy, log: strictest(policy.log, next.log) } });
    },
    apply(next) {
      terms = next;
      void host.then((started) => started.update(next));
    },
  };
}

/** What two policies both let into the log; where both encrypt, the newer one names the group. */
function strictest(now: LogPolicy, next: LogPolicy): LogPolicy {
  const encrypt = next.encrypt ?? now.encrypt;
  const columns = [...(now.encrypt?.columns ?? []), ...(next.encrypt?.columns ?? [])];
  return {
    sample: Math.min(now.sample, next.sample),
    redact: [...new Set([...now.redact, ...next.redact])],
    encrypt: encrypt === null ? null : { ...encrypt, columns: [...new Set(columns)] },
  };
}
