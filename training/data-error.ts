import { CodedError } from '../domain/errors.ts';

/** How DuckDB begins its messages: what the caller wrote is wrong, or what the file holds. */
const wrongInput = ['Binder Error', 'Parser Error', 'Catalog Error', 'Conversion Error'];
const wrongFile = ['IO Error', 'Invalid Input Error', 'Invalid Error', 'Serialization Error', 'No files'];

/** Gives an error of a scan its code, by the words that DuckDB begins its message with; any other error is returned as it is. */
export function dataError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CodedError) return error;
  const [line = ''] = error.message.replace(/^Failed to \w+ statements?: /, '').split('\n');
  if (wrongInput.some((start) => line.startsWith(start)))
    return new CodedError(
      'INPUT_INVALID',
      `The data cannot be read as asked: ${line}. Correct the record of features.ts, the target or the condition.`,
      { cause: error },
    );
  if (wrongFile.some((start) => line.startsWith(start)))
    return new CodedError(
      'DATA_UNREADABLE',
      `A data file cannot be read: ${line}. Write the file again and add it anew.`,
      {
        cause: error,
      },
    );
  return error;
}
