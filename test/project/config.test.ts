import { readConfig } from '../../project/config.ts';
import { isCoded } from '../../domain/errors.ts';

function problemsOf(environment: Readonly<Record<string, string>>): unknown {
  try {
    readConfig(environment, '/project');
  } catch (error) {
    if (isCoded(error, 'CONFIG_INVALID')) return error.details['problems'];
    throw error;
  }
  return [];
}

test('an empty environment gives the embedded services with their state in the project', () => {
  expect(readConfig({ HOME: '/home/ada' }, '/project')).toEqual({
    projectFolder: '/project',
    homeFolder: '/project/.perdura',
    cacheFolder: '/home/ada/.cache/perdura',
    temporal: { address: null, namespace: 'default', apiKey: null, port: null, uiPort: null },
    s3: {
      endpoint: null,
      region: 'us-east-1',
      bucket: 'perdura',
      accessKeyId: null,
      secretAccessKey: null,
      port: null,
    },
    temporalBinary: null,
    s3Binary: null,
    serving: {
      host: '127.0.0.1',
      port: null,
      grpcPort: null,
      adminPort: null,
      processes: null,
      tls: null,
      pricePerHour: null,
    },
    onlineStore: { folder: '/project/.perdura/online', url: null },
    retainDays: 1,
    trustedKeys: null,
  });
});

test('every setting of the environment arrives', () => {
  const config = readConfig(
    {
      PERDURA_HOME: 'state',
      PERDURA_CACHE: '/cache',
      PERDURA_BUCKET: 'models',
      PERDURA_TEMPORAL_BINARY: '/opt/temporal',
      PERDURA_S3_BINARY: 'bin/versitygw',
      PERDURA_TEMPORAL_PORT: '7233',
      PERDURA_TEMPORAL_UI_PORT: '8233',
      PERDURA_S3_PORT: '9000',
      PERDURA_SERVING_HOST: '0.0.0.0',
      PERDURA_SERVING_PORT: '8080',
      PERDURA_SERVING_GRPC_PORT: '8081',
      PERDURA_SERVING_ADMIN_PORT: '8082',
      PERDURA_SERVING_PROCESSES: '4',
      PERDURA_SERVING_TLS_CERT: 'tls.crt',
      PERDURA_SERVING_TLS_KEY: '/etc/perdura/tls.key',
      PERDURA_SERVING_PRICE_PER_HOUR: '0.38',
      PERDURA_ONLINE_STORE: 'rediss://ada:secret@redis.example:6380/2',
      PERDURA_RETAIN_DAYS: '3650',
      PERDURA_TRUSTED_KEYS: 'team-keys, /etc/perdura/release.pem',
      TEMPORAL_ADDRESS: 'temporal.example:7233',
      TEMPORAL_NAMESPACE: 'team-a',
      TEMPORAL_API_KEY: 'token',
      S3_ENDPOINT: 'https://s3.example',
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
    },
    '/project',
  );
  expect(config).toEqual({
    projectFolder: '/project',
    homeFolder: '/project/state',
    cacheFolder: '/cache',
    temporal: { address: 'temporal.example:7233', namespace: 'team-a', apiKey: 'token', port: 7233, uiPort: 8233 },
    s3: {
      endpoint: 'https://s3.example',
      region: 'eu-central-1',
      bucket: 'models',
      accessKeyId: 'id',
      secretAccessKey: 'secret',
      port: 9000,
    },
    temporalBinary: '/opt/temporal',
    s3Binary: '/project/bin/versitygw',
    serving: {
      host: '0.0.0.0',
      port: 8080,
      grpcPort: 8081,
      adminPort: 8082,
      processes: 4,
      tls: { certFile: '/project/tls.crt', keyFile: '/etc/perdura/tls.key' },
      pricePerHour: 0.38,
    },
    onlineStore: { folder: '/project/state/online', url: 'rediss://ada:secret@redis.example:6380/2' },
    retainDays: 3650,
    trustedKeys: ['/project/team-keys', '/etc/perdura/release.pem'],
  });
});

test('an empty variable counts as unset', () => {
  expect(readConfig({ TEMPORAL_ADDRESS: ' ', PERDURA_S3_PORT: '' }, '/project').temporal.address).toBeNull();
});

test('all problems are told at once, each with the name of its setting', () => {
  expect(
    problemsOf({
      PERDURA_S3_PORT: 'abc',
      PERDURA_TEMPORAL_PORT: '70000',
      TEMPORAL_ADDRESS: 'nowhere',
      S3_ENDPOINT: 'ftp://files',
      PERDURA_BUCKET: 'No',
      AWS_ACCESS_KEY_ID: 'id',
    }),
  ).toEqual([
    expect.stringMatching(/^PERDURA_BUCKET .*'No'$/),
    expect.stringMatching(/^PERDURA_TEMPORAL_PORT .*'70000'$/),
    expect.stringMatching(/^PERDURA_S3_PORT .*'abc'$/),
    expect.stringMatching(/^TEMPORAL_ADDRESS .*'nowhere'$/),
    expect.stringMatching(/^S3_ENDPOINT .*'ftp:\/\/files'$/),
    expect.stringMatching(/^AWS_SECRET_ACCESS_KEY /),
  ]);
});

test('two settings cannot have the same port', () => {
  expect(problemsOf({ PERDURA_S3_PORT: '9000', PERDURA_SERVING_PORT: '9000' })).toEqual([
    'PERDURA_SERVING_PORT must differ from PERDURA_S3_PORT, both are 9000',
  ]);
});

test('the value of a key is never repeated in a message', () => {
  expect(JSON.stringify(problemsOf({ AWS_SECRET_ACCESS_KEY: 'hush' }))).not.toContain('hush');
  const problems = problemsOf({ PERDURA_ONLINE_STORE: 'https://:hush@redis.example' });
  expect(problems).toEqual([expect.stringMatching(/^PERDURA_ONLINE_STORE must be a redis:/)]);
  expect(JSON.stringify(problems)).not.toContain('hush');
});

test('AWS keys that lie in the environment for other work do not choose AWS', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
  expect(readConfig(keys, '/project').s3.accessKeyId).toBeNull();
  expect(readConfig({ ...keys, PERDURA_BUCKET: 'models' }, '/project').s3.accessKeyId).toBe('id');
});

test('keys of a session are left to the AWS SDK, which alone reads their token', () => {
  const session = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token' };
  expect(readConfig({ ...session, S3_ENDPOINT: 'https://s3.example' }, '/project').s3.accessKeyId).toBeNull();
});

test('the configuration cannot be changed', () => {
  const config = readConfig({}, '/project');
  expect([config, config.temporal, config.s3, config.serving].map((part) => Object.isFrozen(part))).toEqual([
    true,
    true,
    true,
    true,
  ]);
});
