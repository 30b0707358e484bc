import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { type EndpointPolicy, openPolicy } from '../../../domain/endpoint-policy.ts';
import type { Signature } from '../../../domain/model-package.ts';
import type { ActiveArm } from '../../../serving/answering/parts.ts';
import { pythonWith } from '../../support/python.ts';
import { tinyClasses, tinySignatureOf } from '../../support/tiny-model.ts';
import { ask, httpParts, type HttpParts } from './http-parts.ts';

/** Checks by openapi-spec-validator 0.9.0 (document) and jsonschema 4.26.0 (bodies). */
const requirements = fileURLToPath(new URL('../../support/requirements/openapi.txt', import.meta.url));

/** Prints what is wrong with the document, and for each instance whether the named schema takes it. */
const check = `
import json, sys
from openapi_spec_validator import OpenAPIV31SpecValidator
from jsonschema import Draft202012Validator
given = json.load(sys.stdin)
document = given["document"]
problems = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
def takes(name, instance):
    schema = {"$ref": "#/components/schemas/" + name, "components": document["components"]}
    return Draft202012Validator(schema).is_valid(instance)
print(json.dumps({"problems": problems, "taken": [takes(name, instance) for name, instance in given["instances"]]}))
`;

type Checked = { readonly problems: readonly string[]; readonly taken: readonly boolean[] };

const record = { date: '2001-03-04T17:30:00', distance: 1200, origin: 'SFO' };
const policy: EndpointPolicy = {
  ...openPolicy('flights'),
  access: {
    apiKeys: [{ name: 'k', sha256: '0'.repeat(64), tester: false, requestsPerSecond: null }],
    oidc: { issuer: 'https://issuer.example/', audience: 'a', jwksUrl: null, scope: 'predict', testerScope: null },
  },
};

let own: HttpParts;
let python: string;

beforeAll(async () => {
  python = await pythonWith(requirements);
  own = await httpParts();
}, 300_000);
afterAll(() => own.close());

const documentOf = async (): Promise<object> => (await ask(own.port, '/endpoints/flights/openapi.json')).body;

function checked(document: object, instances: readonly (readonly [string, unknown])[]): Checked {
  const { stdout, stderr } = spawnSync(python, ['-c', check], { input: JSON.stringify({ document, instances }) });
  if (stdout.length === 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as Checked;
}

test('the document holds up, and its schemas take what the server takes and answers, and nothing that it refuses', async () => {
  const post = async (path: string, body: unknown) => (await ask(own.port, path, { body })).body;
  const path = '/endpoints/flights/predict';
  const one = await post(path, { requestId: 'a', subject: 'b', record });
  const several = await post(path, { records: [record, record] });
  const failure = await post(path, { record: { ...record, distance: null } });
  const accepted = await post('/endpoints/flights/labels', { labels: [{ requestId: 'a', label: 1 }] });
  const instances = [
    ['OneRecord', { requestId: 'a', subject: 'b', record }, true],
    ['OneRecord', { record: { ...record, more: 1 } }, true],
    ['OneRecord', { record: { ...record, distance: null } }, false],
    ['OneRecord', { record: { ...record, distance: '1' } }, false],
    ['OneRecord', { record: { date: record.date, distance: 1 } }, false],
    ['OneRecord', { record, reqestId: 'a' }, false],
    ['SeveralRecords', { records: [record, record] }, true],
    ['SeveralRecords', { records: [] }, false],
    ['OneAnswer', one, true],
    ['OneAnswer', { ...one, output: { late: 2 } }, false],
    ['SeveralAnswers', several, true],
    ['Failure', failure, true],
    ['Labels', { labels: [{ requestId: 'a', label: 1, at: '2001-03-04T19:00:00+01:00' }] }, true],
    ['Labels', { labels: [{ requestId: 'a', label: null }] }, false],
    ['Accepted', accepted, true],
  ] as const;
  const { problems, taken } = checked(
    await documentOf(),
    instances.map(([name, instance]) => [name, instance] as const),
  );
  expect({ problems, taken }).toEqual({ problems: [], taken: instances.map(([, , wanted]) => wanted) });
}, 60_000);

test('an endpoint that is open asks for nothing, a restricted one names its keys and its issuer', async () => {
  expect(await documentOf()).not.toHaveProperty('security');
  own.serve({ policy });
  const document = await documentOf();
  own.serve({});
  expect(document).toMatchObject({
    security: [{ apiKey: [] }, { oidc: ['predict'] }],
    components: {
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        oidc: {
          type: 'openIdConnect',
          openIdConnectUrl: 'https://issuer.example/.well-known/openid-configuration',
        },
      },
    },
  });
  expect(checked(document, []).problems).toEqual([]);
}, 60_000);

test.each<readonly [string, Signature, unknown, unknown]>([
  ['a number', tinySignatureOf('regression'), { late: -17.5 }, { late: 'late' }],
  [
    'several classes',
    tinySignatureOf('multiclass'),
    { late: tinyClasses[0], probabilities: Object.fromEntries(tinyClasses.map((name) => [name, 1 / 3])) },
    { late: 'never', probabilities: {} },
  ],
  [
    'optional fields',
    { ...tinySignatureOf('binary'), record: { origin: 'string?', late: 'boolean', at: 'timestamp?' } },
    { late: 0.5 },
    { late: -0.5 },
  ],
])(
  'the answer of %s is described as it is',
  async (_, signature, right, wrong) => {
    own.serve({ arms: [armWith(signature)] });
    const document = await documentOf();
    own.serve({});
    const records = [
      ['Record', { origin: null, late: true }],
      ['Record', { late: null }],
    ] as const;
    const { problems, taken } = checked(document, [['Output', right], ['Output', wrong], ...records]);
    const optional = signature.record['origin'] === 'string?';
    expect({ problems, taken }).toEqual({ problems: [], taken: [true, false, optional, false] });
  },
  60_000,
);

function armWith(signature: Signature): ActiveArm {
  const [champion] = own.parts.endpoints.all().flatMap(({ arms }) => arms);
  if (champion === undefined) throw new Error('There is a champion.');
  return { ...champion, model: { ...champion.model, signature } };
}
