/** What kind of answer a model gives: one of two, one of several, or a number. */
export type Task = 'binary' | 'multiclass' | 'regression';

/**
 * What is learned: `sql` is an expression over the snapshot's columns. `binary` wants a boolean (`delay > 15`); of `multiclass` the value's
 * text is the class (`species`); `regression` wants a number (`price / 1000`). A row whose value is null is left out.
 */
export type Target = { readonly name: string; readonly task: Task; readonly sql: string };
