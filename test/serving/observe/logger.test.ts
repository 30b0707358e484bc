import { execFileSync } from 'node:child_process';

import { createLogger, reportTo } from '../../../serving/observe/logger.ts';

test('each line is JSON with level, time, role and message', () => {
  const lines: string[] = [];
  const logger = createLogger({ role: 'control', to: { write: (line: string) => void lines.push(line) } });
  reportTo(logger)('Route flights: it\'s "quoted"\nand long');
  logger.error({ endpoint: 'flights' }, 'refused');
  const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(first).toMatchObject({
    level: 'info',
    role: 'control',
    pid: process.pid,
    message: 'Route flights: it\'s "quoted"\nand long',
  });
  expect(first?.['at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(second).toMatchObject({ level: 'error', endpoint: 'flights', message: 'refused' });
  expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
});

test('a line is on stderr before the process can end, and nothing is on stdout', () => {
  const module = new URL('../../../dist/serving/observe/logger.js', import.meta.url).href;
  const script = `import { createLogger } from '${module}'; createLogger({ role: 'host' }).info('last'); process.kill(process.pid, 'SIGKILL');`;
  const shell = `"${process.execPath}" --input-type=module -e "$SCRIPT" 2>&1 1>/dev/null; true`;
  const said = execFileSync('sh', ['-c', shell], { env: { ...process.env, SCRIPT: script, NODE_OPTIONS: '' } });
  expect(said.toString()).toContain('"message":"last"');
});
