/** What is learned: `sql` is a boolean expression over the snapshot's columns, for example `delay > 15`. */
export type Target = { readonly name: string; readonly task: 'binary'; readonly sql: string };
