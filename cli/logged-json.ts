/** What rows of the log and open reviews hold as JSON text. */
type LoggedText = { readonly record: string; readonly features: string; readonly answer: string | null };

/** With JSON where the log has JSON text, for `--json`. */
export function withJson(row: LoggedText): Readonly<Record<string, unknown>> {
  const { record, features, answer } = row;
  return {
    ...row,
    record: parsed(record),
    features: parsed(features),
    answer: answer === null ? null : parsed(answer),
  };
}

const parsed = (text: string): unknown => JSON.parse(text) as unknown;
