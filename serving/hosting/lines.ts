/** Gives the lines of a stream of UTF-8 bytes, one after another, as they become whole, without their ends. */
export function createLineReader(onLine: (line: string) => void): (bytes: Buffer) => void {
  const newline = 10;
  let parts: Buffer[] = [];
  return (bytes) => {
    let from = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, from)) {
      const last = bytes.subarray(from, end);
      from = end + 1;
      if (parts.length === 0) {
        onLine(last.toString());
        continue;
      }
      parts.push(last);
      const whole = Buffer.concat(parts);
      parts = [];
      onLine(whole.toString());
    }
    if (from < bytes.length) parts.push(bytes.subarray(from));
  };
}
