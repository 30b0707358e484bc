import type { Command } from 'commander';

import { example, type When, wholeNumber } from './define.ts';

const whoOption = ['--who <name>', 'who says so (default: the account of this machine)'] as const;

/** The commands about what people say of answers: reviews and labels; and about people whose data is to be forgotten. */
export function defineReviews(program: Command, when: When): void {
  const review = program
    .command('review')
    .summary('look at uncertain answers, and say what is true')
    .description('Lists answers that wait for a person, and takes what the person says as their labels.')
    .addHelpText('after', example('perdura review list flights'));
  review
    .command('list')
    .description("Lists answers whose confidence is below the policy's, oldest first.")
    .argument('<endpoint>', 'name of the endpoint')
    .option('--limit <number>', 'at most so many', wholeNumber, 100)
    .addHelpText('after', example('perdura review list flights --limit 20'))
    .action(when(async () => (await import('../commands/review-list.ts')).reviewList));
  review
    .command('answer')
    .description('Says what is true of one request. The first answer stays, and becomes the label of the request.')
    .argument('<endpoint>', 'name of the endpoint')
    .argument('<requestId>', 'as the list shows it')
    .requiredOption('--label <value>', 'a class by its name, true or false, or a number')
    .requiredOption('--why <text>', 'the reason, kept with the answer')
    .option(...whoOption)
    .addHelpText('after', example('perdura review answer flights 7f3a --label true --why "landed at 18:40"'))
    .action(when(async () => (await import('../commands/review-answer.ts')).reviewAnswer));

  const labels = program
    .command('labels')
    .summary('add true outcomes')
    .description('Adds true outcomes of requests as they become known.')
    .addHelpText('after', example('perdura labels add flights --file outcomes.csv'));
  labels
    .command('add')
    .description('Adds the labels of a file: all of them, or none where a row is wrong. The same file twice adds once.')
    .argument('<endpoint>', 'name of the endpoint')
    .requiredOption('--file <file>', 'CSV, JSON lines or Parquet with the columns requestId, label and perhaps at')
    .option('--why <text>', 'the reason, kept with the file')
    .option(...whoOption)
    .addHelpText('after', example('perdura labels add flights --file outcomes.csv'))
    .action(when(async () => (await import('../commands/labels-add.ts')).labelsAdd));

  const subjects = program
    .command('subjects')
    .summary('forget subjects of the inference log')
    .description('Makes what the inference log holds of subjects unreadable.')
    .addHelpText('after', example('perdura subjects forget flights customer-17'));
  subjects
    .command('forget')
    .description("Deletes a group's keys, for good: its encrypted columns can never be read again.")
    .argument('<endpoint>', 'name of the endpoint')
    .argument('<group>', "the group's value: of the column that the policy names, or the subject")
    .option('--why <text>', 'the reason, kept beside the deleted keys')
    .option(...whoOption)
    .addHelpText('after', example('perdura subjects forget flights customer-17 --why "asked for on 2026-11-20"'))
    .action(when(async () => (await import('../commands/subjects-forget.ts')).subjectsForget));
}
