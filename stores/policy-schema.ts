import { z } from 'zod';

import type { EndpointPolicy } from '../domain/endpoint-policy.ts';
import { CodedError } from '../domain/errors.ts';

/** What a person declares; the rest of a policy is who, when and why. */
export type PolicySections = Pick<EndpointPolicy, 'log' | 'review' | 'access' | 'limits'>;

const share = z.number('must be a number').min(0, 'must be at least 0').max(1, 'must be at most 1');
const name = z.string('must be text').min(1, 'must not be empty').max(200, 'must have at most 200 characters');
const rate = z.number('must be a number of requests or null').positive('must be above 0').nullable();
const webAddress = z.url({ protocol: /^https?$/, message: 'must be an http(s) address' });
const unique = (values: readonly string[]): boolean => new Set(values).size === values.length;
const columns = z.array(name).refine(unique, 'names a column twice');

const log = z
  .strictObject({
    sample: share.default(1),
    redact: columns.default([]),
    encrypt: z
      .strictObject({
        columns: columns.min(1, 'must name at least one column'),
        group: name.nullable().default(null),
      })
      .nullable()
      .default(null),
  })
  .superRefine(({ redact, encrypt }, context) => {
    const both = encrypt?.columns.filter((column) => redact.includes(column)) ?? [];
    if (both.length > 0)
      context.addIssue({
        code: 'custom',
        path: ['encrypt', 'columns'],
        message: `names what is redacted: ${both.join(', ')}`,
      });
  });

const apiKey = z.strictObject({
  name,
  sha256: z.string('must be text').regex(/^[0-9a-f]{64}$/, 'must be a SHA-256, 64 digits of 0-9 and a-f'),
  tester: z.boolean('must be true or false').default(false),
  requestsPerSecond: rate.default(null),
});

const access = z.strictObject({
  apiKeys: z
    .array(apiKey)
    .refine((keys) => unique(keys.map((key) => key.name)), 'has two keys of one name')
    .refine((keys) => unique(keys.map((key) => key.sha256)), 'has one key twice')
    .default([]),
  oidc: z
    .strictObject({
      issuer: webAddress,
      audience: name,
      jwksUrl: webAddress.nullable().default(null),
      scope: name.nullable().default(null),
      testerScope: name.nullable().default(null),
    })
    .nullable()
    .default(null),
});

const limits = z.strictObject({
  requestsPerSecond: rate.default(null),
  rowsPerRequest: z
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(1_000_000, 'must be at most 1000000')
    .default(4_096),
});

const sections = z
  .strictObject({
    log: log.optional(),
    review: z.strictObject({ below: share }).nullable().optional(),
    access: access.nullable().optional(),
    limits: limits.optional(),
  })
  .readonly();

/**
 * Checks what someone declares, all of it or some sections, and fills in what a section leaves out. Unknown names are refused: a limit that is
 * misspelt would be no limit.
 *
 * @throws CodedError INPUT_INVALID that lists every problem at once (`details.problems`).
 */
export function parsePolicySections(endpoint: string, declared: unknown): Partial<PolicySections> {
  const parsed = sections.safeParse(declared);
  if (parsed.success) return given(parsed.data);
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new CodedError(
    'INPUT_INVALID',
    `The policy of endpoint '${endpoint}' does not hold up:\n${problems.map((problem) => `  ${problem}`).join('\n')}\nCorrect it; 'docs/guides/serving.md' has an example.`,
    { details: { endpoint, problems } },
  );
}

/** Without the members that are undefined: they would hide what stands. */
function given(data: z.infer<typeof sections>): Partial<PolicySections> {
  return Object.fromEntries(Object.entries(data).filter(([, section]) => section !== undefined));
}
