import { z } from 'zod';
import type { ServiceAddresses } from '../domain/config.ts';
import { CodedError } from '../domain/errors.ts';

/** What a model server is started with. */
export type ServingConfig = {
  readonly s3: ServiceAddresses['s3'];
  readonly homeFolder: string;
  /** Null takes a free one. */
  readonly port: number | null;
  /** Names this process's part of the log; two processes of one home folder need two names. */
  readonly replica: string;
  /** How long a row may wait before it is brought to the bucket. */
  readonly flushEveryMs: number;
  /** More requests at a time are answered 429. */
  readonly maxInFlight: number;
  /** Address of the online store in Redis; null: LMDB in the home folder. */
  readonly onlineStore: string | null;
  /** PEM files of public keys, or folders of them, whose packages are served; null: the home folder's own key. */
  readonly trustedKeys: readonly string[] | null;
};

const schema = z.object({
  s3: z.object({
    endpoint: z.string().nullable(),
    region: z.string(),
    bucket: z.string(),
    accessKeyId: z.string().nullable(),
    secretAccessKey: z.string().nullable(),
  }),
  homeFolder: z.string().min(1),
  port: z.int().min(0).max(65_535).nullable(),
  replica: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/, 'letters, digits, . _ - only'),
  flushEveryMs: z.number().positive(),
  maxInFlight: z.int().positive(),
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
