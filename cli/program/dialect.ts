import { type Command, Option } from 'commander';

/** Adds the options that say how text files are written. */
export function withDialect(command: Command): Command {
  return command
    .option('--delimiter <character>', "between the values of text files: ';', '\\t' (default: a comma, in TSV a tab)")
    .option('--quote <character>', 'around values of text files (default: ")')
    .addOption(
      new Option('--encoding <name>', 'of text files (default: utf-8)').choices(['utf-8', 'utf-16', 'latin-1']),
    )
    .option('--columns <names>', 'names of the columns, with commas, for text files without a header line');
}
