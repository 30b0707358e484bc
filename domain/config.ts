/** Everything that comes from outside, read once in a main.ts, validated and frozen. */
export type Config = {
  /** The folder with package.json and pipelines/. */
  readonly projectFolder: string;
  /** State of the embedded services, caches and logs; `.perdura` in the project unless PERDURA_HOME names another. */
  readonly homeFolder: string;
  /** Server programs by version, shared by all projects; `~/.cache/perdura` unless PERDURA_CACHE names another. */
  readonly cacheFolder: string;
  readonly temporal: TemporalConfig;
  readonly s3: S3Config;
  /** Server programs named by PERDURA_TEMPORAL_BINARY and PERDURA_S3_BINARY; null: find or fetch them. */
  readonly temporalBinary: string | null;
  readonly s3Binary: string | null;
  readonly serving: ServingSettings;
  /** Where aggregates are looked up at request time: LMDB in `folder`, or Redis at `url` (PERDURA_ONLINE_STORE) where there is one. */
  readonly onlineStore: { readonly folder: string; readonly url: string | null };
  /** How long the evidence of a run stays locked at least, in days. */
  readonly retainDays: number;
  /** PEM files of public keys, or folders of them, whose model packages are trusted (PERDURA_TRUSTED_KEYS); null: the home folder's own key. */
  readonly trustedKeys: readonly string[] | null;
};

/** Of the model server. */
export type ServingSettings = {
  /** The address that REST and gRPC listen on. */
  readonly host: string;
  /** Null takes a free one. */
  readonly port: number | null;
  readonly grpcPort: number | null;
  readonly adminPort: number | null;
  /** How many processes answer; null: by the cores of the machine. */
  readonly processes: number | null;
  /** PEM files; null: without TLS. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  /** What an hour of the machine costs, in whatever currency; null: the log prices nothing. */
  readonly pricePerHour: number | null;
};

/** `address` null: use the embedded dev server. */
export type TemporalConfig = {
  readonly address: string | null;
  readonly namespace: string;
  readonly apiKey: string | null;
  /** Ports of the embedded server; null takes a free one. */
  readonly port: number | null;
  readonly uiPort: number | null;
};

/**
 * `endpoint` null: AWS itself where keys are given, else the embedded server. `readConfig` takes the keys only where an endpoint or a
 * bucket is named, so that AWS keys that lie in the environment for other work never send data to that account.
 */
export type S3Config = {
  readonly endpoint: string | null;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string | null;
  readonly secretAccessKey: string | null;
  readonly port: number | null;
};

/** Where the services answer, embedded or given. */
export type ServiceAddresses = {
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    readonly apiKey: string | null;
    readonly uiUrl: string | null;
  };
  /** `endpoint` null: AWS itself; keys null: the AWS SDK's own chain of credentials. */
  readonly s3: {
    readonly endpoint: string | null;
    readonly region: string;
    readonly bucket: string;
    readonly accessKeyId: string | null;
    readonly secretAccessKey: string | null;
  };
};

/** Temporal's task queues: a worker polls those it is started with. */
export type Queue = 'control' | 'data' | 'gpu';
export const taskQueue = (queue: Queue): string => `perdura-${queue}`;
