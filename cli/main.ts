#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';

/** The one place that touches the process: everything else gets what it needs handed in. */
const exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  folder: process.cwd(),
});
// A pipe takes its text later than write returns; exit only then, and exit for sure, whatever handle a library left open.
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))),
);
process.exit(exitCode);
