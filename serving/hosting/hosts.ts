import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../domain/errors.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { AnsweringReport } from '../messages.ts';
import type { PreparedModel } from '../models/model-plan.ts';
import type { ShadowConfig, ShadowTerms } from './host-messages.ts';
import { type SupervisedHost, superviseHost } from './supervised-host.ts';

/** One package in a process of its own. It owns the process: close it. */
export type Host = {
  /** Where it listens; the same after the process was started again. */
  readonly socket: string;
  /** Of the process of the moment; null while it is away. */
  readonly pid: number | null;
  /** @throws CodedError SERVICE_UNAVAILABLE while it is away. */
  report(): Promise<AnsweringReport>;
  /** Lets it finish what is under way, and ends it. */
  close(): Promise<void>;
};

/** A host of a shadow: it logs by itself. */
export type ShadowHost = Host & {
  /** Logs under another epoch or policy from now on, without loading the package again. */
  update(terms: ShadowTerms): void;
};

/** The hosts of a model server. */
export type Hosts = {
  /**
   * A host of a live package, ready to answer. Who asks again for a package that has a host gets the same one; it ends with its last user's `close`.
   *
   * @throws CodedError why the package does not load; SERVICE_UNAVAILABLE when the process ends first.
   */
  live(prepared: Omit<PreparedModel, 'socket'>): Promise<Host>;
  /** A host of its own for one endpoint's shadow, ready to take copies. @throws as `live`. */
  shadow(of: { readonly prepared: Omit<PreparedModel, 'socket'> } & ShadowTerms): Promise<ShadowHost>;
  /** All processes of the moment. */
  pids(): readonly number[];
  /** Ends all hosts. */
  close(): Promise<void>;
};

export type HostsOptions = {
  /** The folder of the sockets: this server's alone, and short, since a socket's path has 107 bytes at most. */
  readonly folder: string;
  readonly log: Omit<ShadowConfig['log'], 'writer'>;
  readonly onlineStore: ShadowConfig['onlineStore'];
  readonly pricePerHour: number | null;
  /** Brings a package back that vanished from the disk; called before a host that ended at once is started again. Does not reject. */
  readonly restore: (reference: ModelReference) => Promise<void>;
  /** Takes a line about a host that ended by itself. */
  readonly report: (line: string) => void;
  /** Told of each report of a host, also of its last one as it ends. */
  readonly onReport: (pid: number, report: AnsweringReport) => void;
  /** Told when a process that wrote a part of the log (`s<n>`, never twice the same) is gone. */
  readonly onWriterEnded: (writer: string, how: 'clean' | 'killed') => void;
};

const longestSocketPath = 107;

/** Makes an empty set; no process is started before it is asked for. */
export function createHosts(options: HostsOptions): Hosts {
  const shared = new Map<string, { readonly host: Promise<SupervisedHost>; users: number }>();
  const all = new Set<SupervisedHost>();
  let sockets = 0;
  let writers = 0;

  const start = async (
    prepared: Omit<PreparedModel, 'socket'>,
    shadow: (() => ShadowConfig) | null,
  ): Promise<SupervisedHost> => {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const socket = join(options.folder, `${process.pid}-${(sockets += 1)}`);
    if (Buffer.byteLength(socket) > longestSocketPath) throw tooLong(socket);
    const host = await superviseHost({ prepared: { ...prepared, socket }, shadow, ...options });
    all.add(host);
    return { ...host, close: () => host.close().finally(() => all.delete(host)) };
  };
  return {
    async live(prepared) {
      const key = keyOf(prepared);
      const entry = shared.get(key) ?? { host: start(prepared, null), users: 0 };
      shared.set(key, entry);
      entry.users += 1;
      const host = await entry.host.catch((error: unknown) => {
        if (shared.get(key) === entry) shared.delete(key);
        throw error;
      });
      let closed = false;
      return hostOf(host, async () => {
        if (closed) return;
        closed = true;
        entry.users -= 1;
        if (entry.users > 0) return;
        shared.delete(key);
        await host.close();
      });
    },
    async shadow({ prepared, route, policy }) {
      let terms: ShadowTerms = { route, policy };
      const { onlineStore, pricePerHour, log } = options;
      const host = await start(prepared, () => {
        const writer = `s${(writers += 1)}`;
        return { ...terms, log: { ...log, writer }, onlineStore, pricePerHour };
      });
      const update = (next: ShadowTerms): void => {
        terms = next;
        host.tell({ type: 'terms', ...next });
      };
      return Object.assign(
        hostOf(host, () => host.close()),
        { update },
      );
    },
    pids: () => [...all].flatMap((host) => host.pid() ?? []),
    async close() {
      await Promise.all([...all].map((host) => host.close()));
    },
  };
}

function hostOf(host: SupervisedHost, close: () => Promise<void>): Host {
  return {
    socket: host.socket,
    get pid() {
      return host.pid();
    },
    report: () => host.report(),
    close,
  };
}

function keyOf({ reference, folder, plan }: Omit<PreparedModel, 'socket'>): string {
  return JSON.stringify([reference.packageDigest, folder, plan]);
}

function tooLong(socket: string): CodedError {
  return new CodedError(
    'CONFIG_INVALID',
    `The socket ${socket} of a model's host has a longer path than the ${longestSocketPath} bytes that there may be. Set PERDURA_HOME to a shorter one.`,
  );
}
