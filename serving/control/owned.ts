/** What a server opened, to be closed in the opposite order. */
export type Owned = {
  add(close: () => unknown): void;
  /** Closes all of it once, however often it is called; what fails is reported and holds up nothing. */
  close(): Promise<void>;
};

/** Empty at first. */
export function createOwned(report: (line: string) => void): Owned {
  const closers: (() => unknown)[] = [];
  let closing: Promise<void> | null = null;
  const closeAll = async (): Promise<void> => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
      try {
        await close();
      } catch (error) {
        report(`The model server ends, and a part of it did not close: ${String(error)}`);
      }
    }
  };
  return {
    add: (close) => void closers.push(close),
    close: () => (closing ??= closeAll()),
  };
}
