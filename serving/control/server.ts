import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { trustedKeys } from '../../stores/signing/trusted-keys.ts';
import { hostAndPort } from '../host-and-port.ts';
import type { Hosts } from '../hosting/hosts.ts';
import { openLogCollector } from '../log/collector.ts';
import { planOf } from '../models/measure-model.ts';
import { createLogger, reportTo } from '../observe/logger.ts';
import type { ServingConfig } from '../serving-config.ts';
import { type AdminParts, openAdmin } from './admin.ts';
import { atMost } from './at-most.ts';
import type { AnsweringPool } from './answering-pool.ts';
import { openPool } from './endpoint-processes.ts';
import { claimPorts } from './claim-port.ts';
import { type ControlMetrics, createControlMetrics } from './control-metrics.ts';
import { hostName, openHosts } from './endpoint-hosts.ts';
import { createEndpointFollower, type EndpointFollower } from './endpoint-follower.ts';
import { createLocalEndpoints } from './local-endpoints.ts';
import { createOwned, type Owned } from './owned.ts';
import { createPackagesOnDisk, type PackagesOnDisk } from './packages-on-disk.ts';
import { createPreparedModels, type PreparedModels } from './prepared-models.ts';
import { createSelfReport, type SelfReport } from './self-report.ts';
import { createShareOut } from './share-out.ts';
import { createStatus, type Status } from './status.ts';
import { switchEndpoint } from './switch-endpoint.ts';

/** A model server that answers. */
export type ModelServer = {
  readonly url: string;
  /** `host:port`. */
  readonly grpcUrl: string;
  readonly adminUrl: string;
  /** Takes no more connections, finishes what is under way, brings the log to the bucket (or leaves it for the next start). */
  drain(): Promise<void>;
};

export type ServerOptions = {
  /** Told of the process ids of those that answer, whenever they change. */
  readonly onAnswering: (pids: readonly number[]) => void;
};

/** Times that a drain gives to requests, to shadows, to the log and to the last word; together below the 25 seconds until a kill. */
const requestsAtMostMs = 12_000;
const hostsAtMostMs = 5_000;
const logAtMostMs = 5_000;
const lastWordAtMostMs = 1_000;
const collectEveryMs = 1_000;

/**
 * Starts a model server: its processes get ready while routes and packages are looked up, then all that is there is put in force.
 *
 * @throws CodedError PORT_IN_USE; CONFLICT when another server has the same replica's log; why the processes could not start.
 */
export async function startServer(config: ServingConfig, { onAnswering }: ServerOptions): Promise<ModelServer> {
  const report = reportTo(createLogger({ role: 'control' }));
  const owned = createOwned(report);
  const [httpPort = 0, grpcPort = 0] = await claimPorts(config.host, [
    { port: config.port, setting: 'PERDURA_SERVING_PORT' },
    { port: config.grpcPort, setting: 'PERDURA_SERVING_GRPC_PORT' },
  ]);
  try {
    const parts = await openParts(config, { report, owned, ports: { httpPort, grpcPort }, onAnswering });
    await Promise.all([parts.pool.begin(), parts.follower.start()]);
    parts.self.say();
    const url = `${config.tls === null ? 'http' : 'https'}://${hostAndPort(config.host, httpPort)}`;
    return { url, grpcUrl: hostAndPort(config.host, grpcPort), adminUrl: parts.adminUrl, drain: () => owned.close() };
  } catch (error) {
    await owned.close();
    throw error;
  }
}

type Opening = ServerOptions & {
  readonly report: (line: string) => void;
  readonly owned: Owned;
  readonly ports: { readonly httpPort: number; readonly grpcPort: number };
};

/** What looks after the processes: made before them, used once they live. */
type Parts = {
  readonly metrics: ControlMetrics;
  readonly models: PreparedModels;
  readonly hosts: Hosts;
  readonly follower: EndpointFollower;
  readonly pool: AnsweringPool;
  readonly status: Status;
  readonly self: SelfReport;
  readonly adminUrl: string;
};

async function openParts(config: ServingConfig, opening: Opening): Promise<Parts> {
  const { owned, report } = opening;
  const store = createS3ObjectStore(config.s3);
  owned.add(() => store.close());
  // A bucket that takes requests and does not answer must show as one that is away, and be asked again soon after it is back.
  const documents = createS3ObjectStore(config.s3, { patience: { silentAtMost: '3 seconds', tries: 2 } });
  owned.add(() => documents.close());
  const metrics = createControlMetrics();
  owned.add(() => metrics.close());
  let draining = false;
  const admin = await openAdmin(config.adminPort);
  owned.add(() => admin.close());
  const collector = await openCollector(config, { store, metrics, report });
  owned.add(() => collector.close({ atMostMs: logAtMostMs }));
  const trusted = trustedIn(config);
  const packages = createPackagesOnDisk({ store, folder: join(config.homeFolder, 'packages'), trusted, report });
  const hosts = await openHosts(config, { metrics, collector, packages, report });
  owned.add(() => atMost(hostsAtMostMs, hosts.close()));
  const models = openModels(config, { packages, hosts, report, owned });

  let changes = 0;
  const follower: EndpointFollower = createEndpointFollower({
    store: documents,
    trusted,
    local: createLocalEndpoints(join(config.homeFolder, 'routes'), report),
    prepare: (terms) => models.prepare(terms),
    put: (endpoint, commit) =>
      switchEndpoint({ change: (changes += 1), endpoint, living: () => pool.living(), commit }),
    onChanged: () => self.say(),
    onTried: (...tried) => metrics.own.switched(...tried),
    report,
  });
  const shares = createShareOut();
  owned.add(() => shares.close());
  const pool: AnsweringPool = openPool(config, {
    ...opening,
    metrics,
    shares,
    collector,
    packages,
    follower,
    status: () => status,
  });
  const status: Status = createStatus({
    follower,
    pool,
    counters: (endpoint) => metrics.of(endpoint),
    askHosts: () => models.askHosts(),
    draining: () => draining,
  });
  const self: SelfReport = createSelfReport({
    store: documents,
    replica: config.replica,
    report,
    describe: () => describe(admin.url, follower),
  });
  owned.add(() => self.close({ atMostMs: lastWordAtMostMs }));
  owned.add(async () => {
    draining = true;
    follower.close();
    await pool.drain({ atMostMs: requestsAtMostMs });
  });
  const parts = { metrics, models, hosts, follower, pool, status, self, adminUrl: admin.url };
  admin.serve(adminParts(parts));
  lookAfter(parts, owned);
  return parts;
}

function trustedIn({ homeFolder, trustedKeys: files }: ServingConfig) {
  return trustedKeys({ keysFolder: join(homeFolder, 'keys'), files });
}

type With<Key extends keyof Parts> = Pick<Parts, Key> & Pick<Opening, 'report'>;

function openCollector(config: ServingConfig, { store, metrics, report }: With<'metrics'> & { store: ObjectStore }) {
  return openLogCollector({
    store,
    folder: join(config.homeFolder, 'inference'),
    replica: config.replica,
    retryWindowMs: config.retryWindowMs,
    report,
    onUploaded: (segment, rows) => {
      if (segment.kind === 'inference') metrics.logged(segment.endpoint, rows);
    },
  });
}

/** Packages are measured one after the other: two at once would measure each other. */
function openModels(
  config: ServingConfig,
  { packages, hosts, report, owned }: With<'hosts'> & { readonly packages: PackagesOnDisk; readonly owned: Owned },
): PreparedModels {
  const closing = new AbortController();
  owned.add(() => closing.abort());
  const measuring = {
    plansFolder: join(config.homeFolder, 'plans'),
    cores: availableParallelism(),
    device: 'auto' as const,
    memoryLimitBytes: config.modelMemoryLimitBytes,
    signal: closing.signal,
    report,
  };
  let last: Promise<unknown> = Promise.resolve();
  return createPreparedModels({
    fetch: (reference) => packages.fetch(reference),
    plan(found) {
      const plan = last.then(() => planOf(found, measuring));
      // The next one does not care how this one ended.
      last = plan.catch(() => undefined);
      return plan;
    },
    hosts,
    report,
  });
}

/** What this server says of itself in the bucket. */
function describe(adminUrl: string, follower: EndpointFollower) {
  const endpoints = follower.known().flatMap(({ endpoint, inForce, problem }) => {
    if (inForce === null) return [];
    return [{ endpoint, epoch: inForce.route.epoch, policyEpoch: inForce.policy.epoch, problem }];
  });
  return { adminUrl, endpoints };
}

function adminParts({ metrics, follower, status, hosts }: Parts): AdminParts {
  return {
    async metrics() {
      await status.collect();
      endGoneHosts(metrics, hosts);
      return metrics.text(follower.known());
    },
    unready: () => status.unready(),
    endpoints: () => status.all(),
    hint: () => follower.hint(),
  };
}

/** A host that was started again counts under its new process id. */
function endGoneHosts(metrics: ControlMetrics, hosts: Hosts): void {
  const living = new Set(hosts.pids().map(hostName));
  for (const name of metrics.processes()) if (name.startsWith(hostName('')) && !living.has(name)) metrics.ended(name);
}

/** Counts are asked for now and then, so that little is lost with a process that is killed, and processes full of old packages are seen. */
function lookAfter({ status, pool, metrics, hosts }: Parts, owned: Owned): void {
  const timer = setInterval(() => {
    void status.collect().then(() => {
      endGoneHosts(metrics, hosts);
      pool.recycle();
    });
  }, collectEveryMs);
  owned.add(() => clearInterval(timer));
}
