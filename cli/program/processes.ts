import type { Command } from 'commander';

import { example, portNumber, type When, wholeNumber } from './define.ts';

/** The commands that stay up. */
export function defineProcesses(program: Command, when: When): void {
  program
    .command('serve')
    .summary('start a model server')
    .description('Starts a model server in the foreground.')
    .option('--port <number>', 'port of the REST interface (default: a free one)', portNumber)
    .option('--grpc-port <number>', 'port of the gRPC interface (default: a free one)', portNumber)
    .option('--admin-port <number>', 'port of metrics and readiness, on loopback (default: a free one)', portNumber)
    .option('--host <address>', 'address that REST and gRPC listen on (default: 127.0.0.1)')
    .option('--processes <number>', 'processes that answer (default: one a core, 2 to 8)', wholeNumber)
    .addHelpText('after', example('perdura serve --port 8080'))
    .action(when(async () => (await import('../commands/serve.ts')).serve));
  program
    .command('worker')
    .summary('start a worker')
    .description('Starts a worker in the foreground.')
    .option('--queues <names>', 'task queues to work on: control, data, gpu', 'control,data,gpu')
    .addHelpText('after', example('perdura worker --queues data,gpu'))
    .action(when(async () => (await import('../commands/worker.ts')).worker));
}
