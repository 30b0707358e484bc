import { parseHTML } from 'linkedom';
import { reportPage, type ReportFindings } from '../../activities/gate/report/page.ts';
import type { ColumnStatistics } from '../../domain/column-statistics.ts';
import type { ColumnPicture, DistributionFinding, Violation } from '../../domain/validation-report.ts';

const findings: ReportFindings = {
  title: 'flights@1a2b3c4d',
  checkedAt: '2026-11-21T12:00:00.000Z',
  environment: 'training',
  decision: 'block',
  verdict: 'fail',
  rows: 12_345,
  badRows: 67,
  expectations: 9,
  violations: [],
  distributions: [],
};

const violation = (over: Partial<Violation> = {}): Violation => ({
  code: 'FLOAT_TYPE_BIG_FLOAT',
  severity: 'block',
  column: 'distance',
  count: 67,
  expected: 'at most 6000',
  observed: 'largest value 99999',
  samples: [{ key: 'data/flights/2001-01.parquet', row: 17, values: { origin: 'JFK', distance: 99_999 } }],
  ...over,
});

const finding = (over: Partial<DistributionFinding> = {}): DistributionFinding => ({
  column: 'delay',
  statistic: 'psi',
  atMost: 0.1,
  against: 'previous',
  value: 0.312,
  expected: 0.004,
  adjustedPValue: 1.2e-30,
  drifted: true,
  ...over,
});

const edges = Array.from({ length: 40 }, (_, place) => place * 10 - 60);
const numberColumn = (shift = 0): ColumnStatistics => ({
  type: 'integer',
  missing: 50,
  distinct: 400,
  range: { min: -70, max: 1_700, count: 12_295, mean: 7.25 + shift, standardDeviation: 31 },
  profile: {
    kind: 'number',
    edges,
    counts: [...edges, 0].map((_, bin) => Math.round(900 * Math.exp(-(((bin - 7 - shift) / 5) ** 2))) + 3),
    missing: 50,
  },
});
const categoryColumn = (values: readonly string[]): ColumnStatistics => ({
  type: 'string',
  missing: 0,
  distinct: values.length,
  range: null,
  profile: { kind: 'category', values, counts: values.map((_, place) => 1_000 - place), unseen: 0, missing: 0 },
});
const pictureOf = (column: string, current: ColumnStatistics, reference = current): ColumnPicture => ({
  column,
  current,
  reference,
});

type Shown = {
  readonly tagName: string;
  readonly textContent: string | null;
  readonly attributes: ArrayLike<{ readonly name: string }>;
};

const read = (page: string) => parseHTML(page).document;
const texts = (page: string, selector: string): readonly string[] =>
  Array.from(read(page).querySelectorAll(selector) as Iterable<Shown>, (element) => (element.textContent ?? '').trim());

test('the page says the decision, the rows, and what was broken with its sample row', () => {
  const page = reportPage({ ...findings, violations: [violation()] }, []);
  expect(texts(page, '.decision strong')).toEqual(['Block']);
  expect(texts(page, 'dd').slice(0, 2)).toEqual(['12,345', '67 (0.5 %)']);
  expect(texts(page, 'tbody tr:first-child > *')).toEqual([
    'FLOAT_TYPE_BIG_FLOAT',
    'distance',
    'blocks',
    '67',
    'at most 6000',
    'largest value 99999',
  ]);
  expect(texts(page, '.samples li')).toEqual(['data/flights/2001-01.parquet, row 17: distance=99999 origin=JFK']);
});

test.each([
  ['pass', 'pass', 'All rows go on'],
  ['warn', 'pass', 'All rows go on'],
  ['quarantine', 'pass', '67 of 12,345 rows are bad'],
  ['block', 'fail', 'Nothing goes on'],
  ['block', 'inconclusive', 'nothing to check'],
] as const)('decision %s with verdict %s says: %s', (decision, verdict, text) => {
  expect(texts(reportPage({ ...findings, decision, verdict }, []), '.decision')[0]).toContain(text);
});

test('drifted columns stand first, and one without a reference says that there was nothing to compare', () => {
  const distributions = [
    finding({ column: 'still', drifted: false }),
    finding({ column: 'alone', value: null, drifted: false }),
    finding(),
  ];
  const page = reportPage({ ...findings, distributions }, []);
  expect(texts(page, 'tbody th')).toEqual(['delay', 'alone', 'still']);
  expect(texts(page, 'tbody td:last-child')).toEqual(['drifted', 'nothing to compare', 'as before']);
});

test('a histogram draws the reference as area and the current data as line, and says the same in words', () => {
  const page = reportPage(findings, [pictureOf('delay', numberColumn(3), numberColumn())]);
  const svg = read(page).querySelector('figure svg');
  expect(svg?.querySelectorAll('rect').length).toBe(41);
  expect(svg?.querySelectorAll('path[stroke], g[stroke="#2f74d0"] path').length).toBeGreaterThan(0);
  expect(page).not.toContain('NaN');
  const [caption] = texts(page, 'figcaption');
  expect(caption).toMatch(
    /^missing 0\.\d % \(0\.\d %\), about 400 different \(400 different\), mean 10\.25 \(7\.25\), from -70 to/,
  );
});

test('timestamps are drawn on a scale of time', () => {
  const day = 86_400_000;
  const start = Date.parse('2001-01-01');
  const column = numberColumn();
  const range = { min: start, max: start + 40 * day, count: 1, mean: start, standardDeviation: day };
  const profile = {
    kind: 'number' as const,
    edges: edges.map((_, place) => start + place * day),
    counts: [...edges, 0].map(() => 5),
    missing: 0,
  };
  const page = reportPage(findings, [pictureOf('date', { ...column, type: 'timestamp', range, profile })]);
  expect(texts(page, 'figure svg text').join(' ')).toContain('Jan');
  expect(texts(page, 'figcaption')[0]).toContain('from 2001-01-01 00:00 to 2001-02-10 00:00');
});

test('a column that holds one value, or nothing, or cannot be drawn, breaks nothing', () => {
  const one = { ...numberColumn(), range: { min: 5, max: 5, count: 9, mean: 5, standardDeviation: 0 } };
  const pictures = [
    pictureOf('constant', { ...one, profile: { kind: 'number', edges: [5], counts: [0, 9], missing: 0 } }),
    pictureOf('empty', { ...one, range: null, profile: { kind: 'number', edges: [], counts: [0], missing: 9 } }),
    pictureOf('other', { ...one, type: 'other', range: null, profile: null }),
    { column: 'new', current: categoryColumn(['a']), reference: null },
    pictureOf('no value', { ...categoryColumn([]), missing: 9 }),
  ];
  const page = reportPage({ ...findings, rows: 0 }, pictures);
  expect(read(page).querySelectorAll('figure').length).toBe(5);
  expect(page).not.toMatch(/NaN|Infinity|undefined/);
});

describe('text of the data', () => {
  const evil = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '</style><svg onload=alert(1)>',
    '</title></text></bdi><b id="broken">&lt;',
    '\u0000\u0007\n\u202Eoverride',
  ];
  const rich = (text: string): string =>
    reportPage(
      {
        ...findings,
        title: text,
        environment: text,
        violations: [
          violation({
            column: text,
            expected: text,
            observed: text,
            samples: [{ key: text, row: 1, values: { [text]: text, list: [text], nothing: null } }],
          }),
        ],
        distributions: [finding({ column: text, against: text })],
      },
      [
        pictureOf(text, categoryColumn([text, 'other'])),
        pictureOf(`${text} number`, numberColumn()),
        ...Array.from({ length: 52 }, (_, place) => pictureOf(`${text} ${place}`, categoryColumn([text]))),
      ],
    );
  const elements = (page: string): readonly string[] =>
    Array.from(
      read(page).querySelectorAll('*') as Iterable<Shown>,
      (element) => `${element.tagName} ${Array.from(element.attributes, ({ name }) => name).join(' ')}`,
    );

  const harmless = elements(rich('harmless'));

  test.each(evil)('stays text in every place: %j', (text) => {
    // The same elements with the same attributes as for a harmless text: nothing broke out.
    expect(elements(rich(text))).toEqual(harmless);
  });

  test('is shown as it is, with control characters visible', () => {
    expect(texts(rich(evil[0] ?? ''), 'h1')).toEqual([evil[0]]);
    expect(texts(rich(evil[5] ?? ''), 'h1')[0]).toContain('\u2400\u2407\u240A');
  });
});

test('the page holds no script, loads nothing and names no address', () => {
  const page = reportPage({ ...findings, violations: [violation()], distributions: [finding()] }, [
    pictureOf('delay', numberColumn()),
    pictureOf('origin', categoryColumn(['JFK', 'ATL'])),
  ]);
  const document = read(page);
  expect(document.querySelectorAll('script, link, img, iframe, object, embed, base, form, a').length).toBe(0);
  expect(page).not.toMatch(/https?:|\/\/|url\(|@import|src=|href=|\son[a-z]+=/i);
  expect(document.querySelector('meta[http-equiv]')?.getAttribute('content')).toContain("default-src 'none'");
});

test('it can be read by ear and by keyboard: language, headings, captions, header cells, named regions and drawings', () => {
  const page = reportPage({ ...findings, violations: [violation()], distributions: [finding()] }, [
    pictureOf('delay', numberColumn()),
  ]);
  const document = read(page);
  expect(document.documentElement.getAttribute('lang')).toBe('en');
  expect(texts(page, 'h1, h2, h3').length).toBe(5);
  for (const table of document.querySelectorAll('table')) {
    expect(table.querySelector('caption')).not.toBeNull();
    expect(table.querySelectorAll('th:not([scope])').length).toBe(0);
    expect(table.parentElement?.getAttribute('tabindex')).toBe('0');
    expect(table.parentElement?.getAttribute('aria-label')).toBeTruthy();
  }
  expect(document.querySelector('figure [role=img]')?.getAttribute('aria-label')).toContain('delay');
});

test('of 400 columns it draws the 50 with findings first, says how many are left out, and stays under 2 MB in the worst case', () => {
  const long = '"'.repeat(5_000);
  const pictures = Array.from({ length: 400 }, (_, place) =>
    pictureOf(
      place === 399 ? 'delay' : `${place}${long}`,
      place % 2 === 1 ? numberColumn() : categoryColumn(Array.from({ length: 50 }, (__, value) => `${value}${long}`)),
    ),
  );
  const samples = [{ key: long, row: 1, values: Object.fromEntries(pictures.map(({ column }) => [column, long])) }];
  const page = reportPage(
    {
      ...findings,
      violations: Array.from({ length: 1_000 }, (_, place) =>
        violation({ column: `v${place}`, expected: long, observed: long, samples: place < 60 ? samples : [] }),
      ),
      distributions: Array.from({ length: 1_000 }, () => finding()),
    },
    pictures,
  );
  expect(/<h3>\s*<bdi>(.*?)<\/bdi>/.exec(page)?.[1]).toBe('delay');
  expect(page.match(/<figure/g)?.length).toBe(50);
  expect(page).toContain('350 more columns are left out');
  expect(page).toContain('The first 200 of 1000');
  expect(Buffer.byteLength(page)).toBeLessThan(2_000_000);
});
