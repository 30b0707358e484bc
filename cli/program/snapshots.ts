import type { Command } from 'commander';

import { example, type When, wholeNumber } from './define.ts';
import { withDialect } from './dialect.ts';

const nameHelp =
  'dataset@name: a branch, tag, data version, digest or its first 8 letters; the dataset alone is its branch latest';
const whyOption = ['--why <text>', 'the reason, kept in the history'] as const;

/** The commands about snapshots. */
export function defineSnapshots(program: Command, when: When): void {
  const snapshot = program
    .command('snapshot')
    .summary('make, compare, prove and move snapshots')
    .description('Makes, compares, proves and moves snapshots: sealed lists of the bytes that a dataset is made of.')
    .addHelpText('after', example('perdura snapshot log flights'));
  defineCreate(snapshot, when);
  defineLooking(snapshot, when);
  defineMoving(snapshot, when);
}

function defineCreate(snapshot: Command, when: When): void {
  const create = snapshot
    .command('create')
    .description('Seals a snapshot and moves a branch to it. Reads only what the snapshot before does not know.')
    .argument('<dataset>', 'name of the dataset')
    .option('--from <what...>', "'newest' arrival, 'all' arrivals, or arrived keys (default: all)")
    .option('--prefix <prefix>', 'whatever stands under this prefix of the bucket now, instead of arrivals')
    .option('--branch <branch>', 'the branch that moves (default: latest)');
  withDialect(create)
    .addHelpText('after', example('perdura snapshot create flights --from all'))
    .action(when(async () => (await import('../commands/snapshot-create.ts')).snapshotCreate));
}

function defineLooking(snapshot: Command, when: When): void {
  snapshot
    .command('show')
    .description('Shows a snapshot: rows, columns with their statistics, files.')
    .argument('<name>', nameHelp)
    .option('--files <number>', 'so many files at most, in order of their keys', wholeNumber, 10)
    .addHelpText('after', example('perdura snapshot show flights@latest'))
    .action(when(async () => (await import('../commands/snapshot-show.ts')).snapshotShow));
  snapshot
    .command('log')
    .description('Shows the history of a dataset, newest first: what moved, who did it and why.')
    .argument('<dataset>', 'name of the dataset')
    .option('--branch <branch>', 'only this branch')
    .option('--limit <number>', 'at most so many lines', wholeNumber, 20)
    .addHelpText('after', example('perdura snapshot log flights --branch latest'))
    .action(when(async () => (await import('../commands/snapshot-log.ts')).snapshotLog));
  snapshot
    .command('diff')
    .description('Compares two snapshots of a dataset: files, rows, schema, and the distribution of each column.')
    .argument('<from>', 'the older one: dataset@name')
    .argument('<to>', 'the newer one: dataset@name')
    .addHelpText('after', example('perdura snapshot diff flights@2001-q1 flights@latest'))
    .action(when(async () => (await import('../commands/snapshot-diff.ts')).snapshotDiff));
  snapshot
    .command('verify')
    .description('Proves that every pinned version still stands, and will. Exits 1 when anything is found.')
    .argument('<name>', nameHelp)
    .option('--bytes', 'read every byte and hold it against its SHA-256, not only versions and sizes')
    .addHelpText('after', example('perdura snapshot verify flights@latest --bytes'))
    .action(when(async () => (await import('../commands/snapshot-verify.ts')).snapshotVerify));
}

function defineMoving(snapshot: Command, when: When): void {
  snapshot
    .command('tag')
    .description('Gives a snapshot a name that never moves.')
    .argument('<name>', nameHelp)
    .argument('<tag>', 'the new name')
    .option(...whyOption)
    .addHelpText('after', example('perdura snapshot tag flights@latest 2001-q1'))
    .action(when(async () => (await import('../commands/snapshot-tag.ts')).snapshotTag));
  snapshot
    .command('rollback')
    .description('Moves a branch back to a snapshot before. Nothing is deleted.')
    .argument('<dataset>', 'name of the dataset')
    .option('--branch <branch>', 'the branch that moves', 'latest')
    .option('--to <name>', 'a tag, digest or data version (default: where the branch stood before)')
    .option(...whyOption)
    .addHelpText('after', example('perdura snapshot rollback flights --to 1.2.0 --why "March was doubled"'))
    .action(when(async () => (await import('../commands/snapshot-rollback.ts')).snapshotRollback));
  snapshot
    .command('branch')
    .description('Makes a branch: a name that moves by itself.')
    .argument('<dataset>', 'name of the dataset')
    .argument('<branch>', 'the new branch')
    .option('--from <name>', 'a branch, tag or digest where it begins', 'latest')
    .option(...whyOption)
    .addHelpText('after', example('perdura snapshot branch flights repair --from 2001-q1'))
    .action(when(async () => (await import('../commands/snapshot-branch.ts')).snapshotBranch));
  snapshot
    .command('merge')
    .description(
      'Brings what changed on one branch into another. A file that both changed is a conflict, and is named.',
    )
    .argument('<dataset>', 'name of the dataset')
    .argument('<from>', 'the branch with the changes')
    .option('--into <branch>', 'the branch that gets them', 'latest')
    .option(...whyOption)
    .addHelpText('after', example('perdura snapshot merge flights repair'))
    .action(when(async () => (await import('../commands/snapshot-merge.ts')).snapshotMerge));
}
