import { Readable } from 'node:stream';
import { parseLine } from '../../../training/program/report.ts';
import { createSpoken, eachLine } from '../../../training/program/spoken.ts';

test.each([
  ['{"perdura":"metric","name":"auc","step":3,"value":0.81}', 'report'],
  ['  {"perdura":"checkpoint","step":0,"file":"a.pt"} ', 'report'],
  ['{"perdura":"progress","text":""}', 'report'],
  ['{"perdura":"metric","name":"auc","step":3,"value":NaN}', 'malformed'],
  ['{"perdura":"metric","name":"auc","step":-1,"value":1}', 'malformed'],
  ['{"perdura":"metric","name":"","step":1,"value":1}', 'malformed'],
  ['{"perdura":"metric","name":"auc","step":1,"value":"1"}', 'malformed'],
  ['{"perdura":"metric","name":"größe \\"m²\\"","step":1,"value":1}', 'report'],
  ['{"perdura":"metric","name":"\\u001b[31mred","step":1,"value":1}', 'malformed'],
  ['{"perdura":"checkpoint","step":1}', 'malformed'],
  ['{"perdura":"finished"}', 'malformed'],
  ['{"loss":1}', 'talk'],
  ['[1, "perdura"]', 'talk'],
  ['loss 0.3', 'talk'],
  ['', 'talk'],
])('%s is %s', (line, kind) => {
  expect(parseLine(line).kind).toBe(kind);
});

test('a line without an end is cut, and the next line is whole', async () => {
  const lines: string[] = [];
  const stream = Readable.from([Buffer.from('x'.repeat(200_000)), Buffer.from('x\nnext\nlast')]);
  eachLine(stream, (line) => lines.push(line));
  await new Promise((resolve) => stream.once('end', resolve));
  expect(lines.map((line) => line.length)).toEqual([65_536, 4, 4]);
});

test('the last twenty lines and the first mebibyte are kept', () => {
  const spoken = createSpoken();
  for (let line = 0; line < 30_000; line += 1) spoken.keep(`line ${line} ${'.'.repeat(40)}`);
  expect(spoken.lastLines().split('\n')).toHaveLength(20);
  expect(spoken.lastLines()).toContain('line 29999');
  expect(spoken.log().length).toBeLessThan(1_048_576 + 200);
  expect(spoken.log()).toContain('left out');
});
