import { Writable } from 'node:stream';

import { createOutput } from '../../cli/output.ts';

const red = '\u001b[31mfailed\u001b[39m';

function written(isTTY: boolean): { readonly stream: NodeJS.WriteStream; readonly text: () => string } {
  const parts: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      parts.push(chunk.toString());
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY }) as NodeJS.WriteStream, text: () => parts.join('') };
}

test.each([
  ['a terminal', true, `${red}\n`],
  ['a file or a pipe', false, 'failed\n'],
])('an answer to %s has the colours that it can show', (_, isTTY, expected) => {
  const stdout = written(isTTY);
  createOutput({ stdout: stdout.stream, stderr: written(false).stream }, { json: false }).answer({}, () => red);
  expect(stdout.text()).toBe(expected);
});
