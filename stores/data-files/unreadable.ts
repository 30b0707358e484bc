import { CodedError, isCoded } from '../../domain/errors.ts';

/** DATA_UNREADABLE for one file, with the reason that DuckDB gave; a full disk stays DISK_FULL, a coded error stays itself. */
export function unreadable(key: string, cause: unknown, path?: string): Error {
  if (isCoded(cause)) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const reason = (path === undefined ? text : text.replaceAll(path, key)).split('\n\n')[0]?.trim() ?? text;
  if (/no space left|ENOSPC/i.test(text)) {
    return new CodedError(
      'DISK_FULL',
      `${key} could not be prepared: ${reason}. Free space or set PERDURA_HOME to a larger disk.`,
      { details: { key }, cause },
    );
  }
  if (/^Out of Memory/i.test(text)) return cause instanceof Error ? cause : new Error(text);
  return new CodedError(
    'DATA_UNREADABLE',
    `${key} cannot be read: ${reason.replace(/[.\s]+$/, '')}. Write the file again and add it with 'perdura data add'.`,
    { details: { key, reason }, cause },
  );
}
