import { dataFormat } from '../../stores/data-files/format.ts';

test.each([
  ['data/flights/2001-01.parquet', 'parquet'],
  ['a.CSV', 'csv'],
  ['a.b.jsonl', 'jsonl'],
  ['a.ndjson', 'jsonl'],
])('%s is %s', (key, format) => {
  expect(dataFormat(key)).toBe(format);
});

test.each(['a.constructor', 'a.toString', 'a.__proto__', 'a.txt', 'a'])('the name %s tells no format', (key) => {
  expect(() => dataFormat(key)).toThrow(expect.objectContaining({ code: 'DATA_UNREADABLE', details: { key } }));
});
