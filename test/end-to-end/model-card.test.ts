import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseHTML } from 'linkedom';
import { machineBom } from '../../cli/model-card/machine-bom.ts';
import { listTrainingRecords } from '../../stores/training-records.ts';
import { temporaryFolder } from '../support/embedded.ts';
import { about } from './card-project.ts';
import { type CardStage, openCardStage, pythonFor } from './card-stage.ts';

const limit = 240_000;
const cyclonedx = await pythonFor('cyclonedx');

let stage: CardStage;
beforeAll(async () => {
  stage = await openCardStage();
}, limit);
afterAll(() => stage?.close(), limit);

const card = (...words: readonly string[]) => stage.printed('models', 'card', ...words);

describe('the card', () => {
  test('as JSON says what the author said, what was measured with its bounds, what it cost, and where it comes from', async () => {
    const found = await stage.card('punctual');
    const [record] = await listTrainingRecords(stage.store, stage.dense.key);
    expect(found).toMatchObject({
      model: 'punctual',
      modelVersion: '1',
      semanticVersion: '1.0.0',
      status: 'ready',
      aliases: ['champion'],
      about,
      run: stage.dense.key,
      data: { rows: 16_000, trained: 16_000, skipped: 0 },
      training: { cost: { currency: 'EUR', amount: record?.cost?.amount }, metrics: record?.metrics },
      lineage: { seed: 7, trainer: { kind: 'dense', epochs: 3 } },
      unknown: ['The commit of its code: the project was not in git.'],
    });
    const findings = found.decisions.flatMap(({ decision }) => decision.findings);
    expect(findings.map(({ guardrail, verdict }) => [guardrail.metric, verdict])).toEqual([
      ['auc', 'pass'],
      ['brier', 'pass'],
      ['auc', 'not-applicable'],
      ['demographicParityDifference', 'pass'],
    ]);
    for (const { measurement } of findings.filter(({ verdict }) => verdict === 'pass')) {
      expect(measurement?.lower).toBeLessThanOrEqual(measurement?.value ?? Number.NaN);
      expect(measurement?.upper).toBeGreaterThanOrEqual(measurement?.value ?? Number.NaN);
    }
    expect(found.moves.map(({ alias, from, to }) => [alias, from, to])).toEqual([
      ['challenger', null, '1'],
      ['champion', null, '1'],
      ['challenger', '1', null],
    ]);
    expect(JSON.parse(await card('punctual', '--format', 'json'))).toEqual(found);
  });

  test('of a challenger whose evidence is thin names every open guardrail and small slice as a limit', async () => {
    const { limits } = await stage.card('punctual@challenger');
    expect(limits).toEqual([
      expect.stringMatching(/^evaluate: brier of origin \w+ rests on \d+ observations, 100 are needed/),
      expect.stringMatching(/^brier by origin rests on fewer than 100 rows in (?:\w+ \(\d\d\), ){4}/),
    ]);
  });

  test("as Markdown keeps an author's text within its line, cell and list", async () => {
    const text = await card('punctual');
    const lines = text.split('\n');
    expect(lines[0]).toBe('# punctual 1.0.0');
    expect(lines).toContain(String.raw`Warns \<script\>alert("1")\</script\> staff \| of \*late\* flights`);
    expect(lines).toContain(String.raw`- \# No \[winter\](http://127.0.0.1/x) - nor \`snow\``);
    expect(lines).toContain(String.raw`| Target | late (binary): delay \> 15 |`);
    // Every row of a table has as many cells as its head.
    const cells = (line: string) => line.replaceAll(/\\./g, '').split('|').length;
    const tables = text.split('\n\n').filter((block) => block.startsWith('|'));
    expect(tables).toHaveLength(5);
    for (const table of tables) expect(new Set(table.split('\n').map(cells)).size).toBe(1);
    expect(text).toMatch(
      /\| evaluate \| auc \| {2}\| 0\.\d+ \| 0\.\d+ to 0\.\d+ \| 4000 \| pass \| DeLong, logit, alpha/,
    );
    // What a fairness metric compares is named as what it is.
    expect(text).toMatch(/\| evaluate \| selection rate by origin \| ATL \| 0\.\d+ \| 0\.\d+ to 0\.\d+ \| \d+ \|/);
  });

  test('as a page holds no script, loads nothing and escapes every text', async () => {
    const file = join(temporaryFolder(), 'card.html');
    expect(await card('punctual', '--format', 'html', '--output', file)).toContain(`Wrote ${file}`);
    const text = await readFile(file, 'utf8');
    const { document } = parseHTML(text);
    expect(document.querySelectorAll('script, img, iframe, link, b, a, [onclick], [src], [href]')).toHaveLength(0);
    expect(document.querySelector('main p')?.textContent).toBe(about.intendedUse);
    const items = [...document.querySelectorAll('li')].map((item) => item.textContent);
    expect(items).toContain(about.limitations?.[0]);
    expect(items).toContain(about.ethicalConsiderations?.[0]);
    expect(document.querySelectorAll('table')[0]?.querySelectorAll('tbody tr')).toHaveLength(
      (await card('punctual')).split('\n').filter((line) => line.startsWith('| evaluate |')).length,
    );
    const again = await stage.perdura('models', 'card', 'punctual', '--output', file);
    expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('exists already') });
  });

  test('beside another says what differs, and how much is the same', async () => {
    const answer = JSON.parse(await card('punctual@1', '--diff', 'punctual@1.1.0', '--json')) as {
      readonly differing: readonly { readonly section: string; readonly name: string; readonly values: unknown }[];
    };
    expect(answer).toMatchObject({ first: 'punctual@1', second: 'punctual@2' });
    const values = (name: string) => answer.differing.find((each) => each.name === name)?.values;
    expect(values('semanticVersion')).toEqual(['1.0.0', '1.1.0']);
    expect(values('aliases')).toEqual(['champion', 'challenger']);
    expect(values('evaluate: auc')).toEqual([
      expect.stringMatching(/^0\.5\d+ \(.* pass$/),
      expect.stringMatching(/^0\.5 \(.* pass$/),
    ]);
    expect(answer.differing.some(({ name }) => name === 'Data')).toBe(false);
    expect(await card('punctual@1', '--diff', 'punctual@2')).toMatch(/Equal: .*about all 6/);
    expect(await card('punctual@1', '--diff', 'punctual@champion')).toContain('Nothing differs.');
  });

  test.each([
    ['punktual', "Did you mean 'punctual'?"],
    ['punctual@7', "has no version '7'. Its versions: 1 (1.0.0), 2 (1.1.0)."],
  ])('of %s is not found, and what there is is listed', async (name, says) => {
    expect(await stage.perdura('models', 'card', name)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(says),
    });
  });
});

describe('the bill of materials', () => {
  const program = `import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
for file in sys.argv[1:]:
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(file).read())
    print(error if error is None else "'colour' was unexpected" in str(error))
`;

  test('is valid CycloneDX 1.6 by the strict validator of cyclonedx-python-lib, and one with an unknown field is not', async () => {
    const folder = temporaryFolder();
    const names = ['champion', '2', 'damaged', 'python'] as const;
    const files = names.map((name) => join(folder, `${name}.json`));
    const texts = {
      champion: await card('punctual', '--format', 'cyclonedx'),
      2: await card('punctual@2', '--format', 'cyclonedx'),
    };
    await card('punctual@2', '--format', 'cyclonedx', '--output', files[1] ?? '');
    expect(JSON.parse(await readFile(files[1] ?? '', 'utf8'))).toEqual(JSON.parse(texts[2]));
    await writeFile(files[0] ?? '', texts.champion);
    await writeFile(files[2] ?? '', JSON.stringify({ ...JSON.parse(texts.champion), colour: 'red' }));
    const known = await stage.card('punctual');
    const python = { python: '3.11.4', digest: 'd'.repeat(64), packages: { lightgbm: '4.6.0', Foo_Bar: '1.0' } };
    const withPackages = machineBom({ ...known, training: { ...known.training, python } });
    await writeFile(files[3] ?? '', JSON.stringify(withPackages));
    const { stdout } = await promisify(execFile)(cyclonedx, ['-c', program, ...files]);
    // None: valid; True: refused for the unknown field.
    expect(stdout.trim().split('\n')).toEqual(['None', 'None', 'True', 'None']);
    expect(withPackages).toMatchObject({
      components: [{}, { purl: 'pkg:pypi/lightgbm@4.6.0' }, { purl: 'pkg:pypi/foo-bar@1.0' }],
    });

    const bom = JSON.parse(texts.champion) as {
      readonly metadata: { readonly component: Readonly<Record<string, unknown>> };
    };
    expect(bom.metadata.component).toMatchObject({
      type: 'machine-learning-model',
      name: 'punctual',
      version: '1.0.0',
      hashes: [{ alg: 'SHA-256', content: known.lineage.modelSha256 }],
      modelCard: {
        considerations: { useCases: [about.intendedUse], fairnessAssessments: [{ groupAtRisk: 'origin' }] },
      },
    });
    // Equal cards give equal documents.
    expect(await card('punctual', '--format', 'cyclonedx')).toBe(texts.champion);
  });
});
