import { z } from 'zod';
import type { ServiceAddresses } from '../domain/config.ts';
import { CodedError } from '../domain/errors.ts';

/** What a model server is started with. */
export type ServingConfig = {
  readonly s3: ServiceAddresses['s3'];
  readonly homeFolder: string;
  /** The address that REST and gRPC listen on. */
  readonly host: string;
  /** Null takes a free one. */
  readonly port: number | null;
  readonly grpcPort: number | null;
  /** Loopback only: whoever reaches it sees metrics and may ask for a look at the bucket. */
  readonly adminPort: number | null;
  /** How many processes answer. */
  readonly processes: number;
  /** PEM files; null: without TLS. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  /** What an hour of this machine costs, in whatever currency: the log then prices each row's time in the model. */
  readonly pricePerHour: number | null;
  /** Names this server's part of the log; two servers of one home folder need two names. */
  readonly replica: string;
  /** How long a row may wait before it is brought to the bucket. */
  readonly flushEveryMs: number;
  /** More requests at a time, a process, are answered 429. */
  readonly maxInFlight: number;
  /** A request that is larger is refused unread. */
  readonly bodyLimitBytes: number;
  /** How long after a process was killed a client may repeat what that process did not answer. */
  readonly retryWindowMs: number;
  /** Packages that an answering process loads before another takes its place: each leaves memory behind. */
  readonly recycleAfterLoads: number;
  /** A package that needs more does not come into force. */
  readonly modelMemoryLimitBytes: number;
  /** Address of the online store in Redis; null: LMDB in the home folder. */
  readonly onlineStore: string | null;
  /** PEM files of public keys, or folders of them, whose packages are served; null: the home folder's own key. */
  readonly trustedKeys: readonly string[] | null;
};

const port = z.int().min(0).max(65_535).nullable();

const schema = z.object({
  s3: z.object({
    endpoint: z.string().nullable(),
    region: z.string(),
    bucket: z.string(),
    accessKeyId: z.string().nullable(),
    secretAccessKey: z.string().nullable(),
  }),
  homeFolder: z.string().min(1),
  host: z.string().min(1),
  port,
  grpcPort: port,
  adminPort: port,
  processes: z.int().min(1).max(64),
  tls: z.object({ certFile: z.string().min(1), keyFile: z.string().min(1) }).nullable(),
  pricePerHour: z.number().nonnegative().nullable(),
  replica: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/, 'letters, digits, . _ - only'),
  flushEveryMs: z.number().positive(),
  maxInFlight: z.int().positive(),
  bodyLimitBytes: z.int().positive(),
  retryWindowMs: z.number().nonnegative(),
  recycleAfterLoads: z.int().positive(),
  modelMemoryLimitBytes: z.int().positive(),
  onlineStore: z.string().nullable(),
  trustedKeys: z.array(z.string().min(1)).nullable(),
}) satisfies z.ZodType<ServingConfig>;

/**
 * Reads PERDURA_SERVING_CONFIG.
 *
 * @throws CodedError CONFIG_INVALID with every problem at once.
 */
export function readServingConfig(environment: NodeJS.ProcessEnv): ServingConfig {
  const parsed = schema.safeParse(parseJson(environment['PERDURA_SERVING_CONFIG'] ?? ''));
  if (parsed.success) return Object.freeze(parsed.data);
  throw new CodedError('CONFIG_INVALID', `PERDURA_SERVING_CONFIG does not hold up:\n${z.prettifyError(parsed.error)}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
