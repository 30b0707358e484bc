/** Begins with a slash at the beginning of a word, and has a second one. */
const absolutePath = /(?<![^\s'"(=])\/[^\s'"()/]+\/[^\s'"(),;]*[^\s'"(),;.:]/g;

/**
 * A message without the paths of this machine, for those who only reach its port: how its disk is laid out is nobody's business there. The
 * server's log and its admin port have them. Keys of the bucket and addresses stay.
 */
export function withoutPaths(message: string): string {
  return message.replace(absolutePath, 'a path of the server');
}
