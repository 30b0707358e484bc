import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHosts, type Hosts } from '../hosting/hosts.ts';
import type { LogCollector } from '../log/collector.ts';
import type { ServingConfig } from '../serving-config.ts';
import type { ControlMetrics } from './control-metrics.ts';
import type { PackagesOnDisk } from './packages-on-disk.ts';

/** The path of a socket has 107 bytes at most; hosts add the process id and a number. */
const longestFolderBytes = 85;

/**
 * The hosts of one server, with what they write and count brought together. Sockets that a killed server left are removed: the caller holds
 * the replica's log, so nobody else uses them.
 */
export async function openHosts(
  config: ServingConfig,
  parts: {
    readonly collector: LogCollector;
    readonly metrics: ControlMetrics;
    readonly packages: PackagesOnDisk;
    readonly report: (line: string) => void;
  },
): Promise<Hosts> {
  const folder = socketsFolder(config);
  await rm(folder, { recursive: true, force: true });
  return createHosts({
    folder,
    log: { folder: join(config.homeFolder, 'inference'), replica: config.replica, flushEveryMs: config.flushEveryMs },
    onlineStore: { folder: join(config.homeFolder, 'online'), url: config.onlineStore },
    pricePerHour: config.pricePerHour,
    restore: (reference) => parts.packages.restore(reference),
    report: parts.report,
    onReport: (pid, counts) => parts.metrics.reported(hostName(pid), counts),
    onWriterEnded: (writer, how) => parts.collector.writerEnded(writer, how),
  });
}

/** How a host is called among the processes that report. */
export const hostName = (pid: number | ''): string => `host-${pid}`;

function socketsFolder({ homeFolder, replica }: ServingConfig): string {
  const folder = join(homeFolder, 'sockets', replica);
  if (Buffer.byteLength(folder) <= longestFolderBytes) return folder;
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  return join(tmpdir(), `perdura-${name}`);
}
