import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { Config } from '../domain/config.ts';
import { CodedError } from '../domain/errors.ts';

type Environment = { readonly [name: string]: string | undefined };

const port = z
  .string()
  .regex(/^\d+$/, 'must be a port, a whole number from 1 to 65535')
  .transform(Number)
  .refine((value) => value >= 1 && value <= 65_535, 'must be a port, a whole number from 1 to 65535')
  .nullable();
const text = z.string().nullable();

/** Names are those of the environment, so that a problem names what a person can change. */
const settingsSchema = z.object({
  PERDURA_HOME: text,
  PERDURA_CACHE: text,
  PERDURA_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be a bucket name: 3 to 63 of a-z, 0-9, dot and hyphen')
    .nullable(),
  PERDURA_TEMPORAL_BINARY: text,
  PERDURA_S3_BINARY: text,
  PERDURA_TEMPORAL_PORT: port,
  PERDURA_TEMPORAL_UI_PORT: port,
  PERDURA_S3_PORT: port,
  PERDURA_SERVING_HOST: z
    .string()
    .regex(/^[A-Za-z0-9.:-]+$/, "must be an address of this machine or its name, for example '0.0.0.0'")
    .nullable(),
  PERDURA_SERVING_PORT: port,
  PERDURA_SERVING_GRPC_PORT: port,
  PERDURA_SERVING_ADMIN_PORT: port,
  PERDURA_SERVING_PROCESSES: z
    .string()
    .regex(/^([1-9]|[1-5]\d|6[0-4])$/, 'must be a whole number from 1 to 64')
    .transform(Number)
    .nullable(),
  PERDURA_SERVING_TLS_CERT: text,
  PERDURA_SERVING_TLS_KEY: text,
  PERDURA_SERVING_PRICE_PER_HOUR: z
    .string()
    .regex(/^\d+(\.\d+)?$/, "must be a price, for example '0.38'")
    .transform(Number)
    .nullable(),
  PERDURA_ONLINE_STORE: z
    .url({
      protocol: /^rediss?$/,
      message: "must be a redis:// or rediss:// address, for example 'redis://127.0.0.1:6379'",
    })
    .nullable(),
  PERDURA_RETAIN_DAYS: z
    .string()
    .regex(/^[1-9]\d{0,4}$/, 'must be a whole number of days, 1 or more')
    .transform(Number)
    .nullable(),
  PERDURA_TRUSTED_KEYS: text,
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s/:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/, "must be host:port, for example '127.0.0.1:7233'")
    .nullable(),
  TEMPORAL_NAMESPACE: z
    .string()
    .regex(/^[\w.-]+$/, 'must be a namespace: letters, digits, dot, hyphen, underscore')
    .nullable(),
  TEMPORAL_API_KEY: text,
  S3_ENDPOINT: z
    .url({ protocol: /^https?$/, message: "must be an http(s) address, for example 'http://127.0.0.1:9000'" })
    .nullable(),
  AWS_REGION: z
    .string()
    .regex(/^[a-z0-9-]+$/, "must be a region, for example 'eu-central-1'")
    .nullable(),
  AWS_ACCESS_KEY_ID: text,
  AWS_SECRET_ACCESS_KEY: text,
  AWS_SESSION_TOKEN: text,
});

/** As the environment has them: trimmed, null where unset. */
type Given = Readonly<Record<string, string | null>>;
type Settings = z.infer<typeof settingsSchema>;

/**
 * Reads the whole configuration from the environment, once, frozen. An empty variable counts as unset.
 * `folder` is the project's; relative PERDURA_HOME, PERDURA_CACHE and binaries are taken from there.
 *
 * @throws CodedError CONFIG_INVALID that lists every problem at once (`details.problems`); a key's value is never repeated.
 * @example
 * const config = readConfig(process.env, process.cwd());
 */
export function readConfig(environment: Environment, folder: string): Config {
  const given = Object.fromEntries(
    Object.keys(settingsSchema.shape).map((name) => [name, environment[name]?.trim() || null]),
  );
  const parsed = settingsSchema.safeParse(given);
  const problems = [
    ...new Set([
      ...(parsed.error?.issues ?? []).map((issue) => describe(issue, given)),
      ...pairProblems(given, 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'),
      ...pairProblems(given, 'PERDURA_SERVING_TLS_CERT', 'PERDURA_SERVING_TLS_KEY'),
      ...portProblems(given),
    ]),
  ];
  if (!parsed.success || problems.length > 0) throw invalid(problems);
  return toConfig(parsed.data, path.resolve(folder), environment);
}

function toConfig(settings: Settings, projectFolder: string, environment: Environment): Config {
  const userFolder = environment['HOME'] || homedir();
  const within = (file: string | null): string | null => (file === null ? null : path.resolve(projectFolder, file));
  const homeFolder = within(settings.PERDURA_HOME) ?? path.join(projectFolder, '.perdura');
  return Object.freeze<Config>({
    projectFolder,
    homeFolder,
    cacheFolder: within(settings.PERDURA_CACHE) ?? path.join(userFolder, '.cache', 'perdura'),
    temporal: Object.freeze({
      address: settings.TEMPORAL_ADDRESS,
      namespace: settings.TEMPORAL_NAMESPACE ?? 'default',
      apiKey: settings.TEMPORAL_API_KEY,
      port: settings.PERDURA_TEMPORAL_PORT,
      uiPort: settings.PERDURA_TEMPORAL_UI_PORT,
    }),
    s3: Object.freeze({
      endpoint: settings.S3_ENDPOINT,
      region: settings.AWS_REGION ?? 'us-east-1',
      bucket: settings.PERDURA_BUCKET ?? 'perdura',
      ...storageKeys(settings),
      port: settings.PERDURA_S3_PORT,
    }),
    temporalBinary: within(settings.PERDURA_TEMPORAL_BINARY),
    s3Binary: within(settings.PERDURA_S3_BINARY),
    serving: servingSettings(settings, within),
    onlineStore: Object.freeze({ folder: path.join(homeFolder, 'online'), url: settings.PERDURA_ONLINE_STORE }),
    retainDays: settings.PERDURA_RETAIN_DAYS ?? 1,
    trustedKeys: pathsIn(settings.PERDURA_TRUSTED_KEYS, projectFolder),
  });
}

function servingSettings(
  settings: Settings,
  within: (file: string | null) => string | null,
): Readonly<Config['serving']> {
  const certFile = within(settings.PERDURA_SERVING_TLS_CERT);
  const keyFile = within(settings.PERDURA_SERVING_TLS_KEY);
  return Object.freeze({
    host: settings.PERDURA_SERVING_HOST ?? '127.0.0.1',
    port: settings.PERDURA_SERVING_PORT,
    grpcPort: settings.PERDURA_SERVING_GRPC_PORT,
    adminPort: settings.PERDURA_SERVING_ADMIN_PORT,
    processes: settings.PERDURA_SERVING_PROCESSES,
    tls: certFile === null || keyFile === null ? null : Object.freeze({ certFile, keyFile }),
    pricePerHour: settings.PERDURA_SERVING_PRICE_PER_HOUR,
  });
}

/** Paths with commas between them, relative ones from the project; null where there is none. */
function pathsIn(text: string | null, projectFolder: string): readonly string[] | null {
  const paths = (text ?? '').split(',').flatMap((each) => each.trim() || []);
  return paths.length === 0 ? null : paths.map((each) => path.resolve(projectFolder, each));
}

/** Keys of a session are useless without its token, which only the AWS SDK's own chain reads; keys with no named target are not for us. */
function storageKeys(settings: Settings): { accessKeyId: string | null; secretAccessKey: string | null } {
  const targeted = settings.S3_ENDPOINT !== null || settings.PERDURA_BUCKET !== null;
  if (!targeted || settings.AWS_SESSION_TOKEN !== null) return { accessKeyId: null, secretAccessKey: null };
  return { accessKeyId: settings.AWS_ACCESS_KEY_ID, secretAccessKey: settings.AWS_SECRET_ACCESS_KEY };
}

/** Beside the schema, which would hold relations between settings back until each setting by itself is right. */
function pairProblems(given: Given, one: string, other: string): readonly string[] {
  const missing = [one, other].filter((name) => given[name] === null);
  if (missing.length !== 1) return [];
  return [`${missing.join('')} must be set together with ${missing[0] === one ? other : one}`];
}

function portProblems(given: Given): readonly string[] {
  const ports = Object.entries(given).filter(([name, value]) => name.endsWith('_PORT') && value !== null);
  return ports.flatMap(([name, value], index) => {
    const other = ports.slice(0, index).find(([, earlier]) => earlier === value);
    return other === undefined ? [] : [`${name} must differ from ${other[0]}, both are ${value}`];
  });
}

function invalid(problems: readonly string[]): CodedError {
  const lines = problems.map((problem) => `\n  ${problem}`).join('');
  return new CodedError('CONFIG_INVALID', `The configuration does not hold up. Correct these settings:${lines}`, {
    details: { problems },
  });
}

function describe(issue: z.core.$ZodIssue, given: Given): string {
  const name = String(issue.path[0]);
  const value = given[name] ?? null;
  const shown = value === null || /KEY|TOKEN|ONLINE_STORE/.test(name) ? '' : `, got '${value}'`;
  return `${name} ${issue.message}${shown}`;
}
