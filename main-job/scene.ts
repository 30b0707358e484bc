import type { Client } from '@temporalio/client';
import type { OpenFeatures } from '../cli/pipeline-features.ts';
import type { Config, ServiceAddresses } from '../domain/config.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import type { TrafficProcess } from './traffic-process.ts';
import type { RunFact } from './summary.ts';

/** What stands while the job runs: services, a worker, a model server, and what has been seen so far. */
export type Scene = {
  readonly config: Config;
  readonly addresses: ServiceAddresses;
  readonly store: ObjectStore;
  readonly client: Client;
  readonly serverUrl: string;
  /** Host and port of the same server's gRPC. */
  readonly grpcAddress: string;
  /** Where the months and the broken files are cut to. */
  readonly dataFolder: string;
  /** Sets request ids of this job apart from those of an earlier one. */
  readonly jobId: string;
  /** The pipeline's features, and the online store that the model server reads their past from. */
  readonly features: OpenFeatures;
  readonly say: (line: string) => void;
  readonly runs: RunFact[];
  readonly traffic: TrafficProcess[];
};

/** The names that all chapters share. */
export const endpoint = 'flights';
export const model = 'flights';
export const pipeline = 'flights';
export const dataset = 'flights';
